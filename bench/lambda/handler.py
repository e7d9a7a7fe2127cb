"""The function as it is usually written: boto3, one object, batch_writer.

It makes the same items as the stream in examples/orders, which the test holds it
to. It speaks Lambda's Runtime API itself, as awslambdaric does. It checks
nothing, keeps no place, and a row that DynamoDB refuses ends it.
"""
import csv
import json
import os
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from decimal import Decimal

import boto3

s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"])
table = boto3.resource("dynamodb", endpoint_url=os.environ["AWS_ENDPOINT_URL_DYNAMODB"]).Table(os.environ["TABLE"])
with open(os.path.join(os.environ["PENSTOCK_STREAMS"], "customers.csv")) as file:
    customers = {row["user_id"]: row for row in csv.DictReader(file)}
nobody = {"country": "unknown", "tier": "unknown"}


def item(line):
    order = json.loads(line, parse_float=Decimal)
    customer = customers.get(str(order["user_id"]), nobody)
    if not order["created_at"].endswith("Z"):
        at = datetime.fromisoformat(order["created_at"]).astimezone(timezone.utc)
        order["created_at"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z").replace(".000Z", "Z")
    order["amount"] = Decimal(order["amount"])
    order["amount_minor"] = int(order["amount"] * 100)
    order["country"], order["tier"] = customer["country"], customer["tier"]
    if order["email"]:
        order["email"] = order["email"].strip().lower()
    return order


def handler(event):
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
        with table.batch_writer(overwrite_by_pkeys=["order_id"]) as batch:
            for line in body.iter_lines(chunk_size=1 << 20):
                batch.put_item(Item=item(line))


def main():
    base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
    while True:
        with urllib.request.urlopen(base + "next") as answer:
            request, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
        if "Records" in event:
            handler(event)
        urllib.request.urlopen(base + request + "/response", data=b"null").close()


main()
