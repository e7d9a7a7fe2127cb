#!/usr/bin/env bash
# Starts penstock with a development broker, sends it made-up orders, good and
# bad, shows what came of them, and stops it. See README.md beside this file.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PENSTOCK_LISTEN=${PENSTOCK_LISTEN:-127.0.0.1:8080} PENSTOCK_ADMIN=${PENSTOCK_ADMIN:-127.0.0.1:8081}
export PENSTOCK_DEV_KAFKA=${PENSTOCK_DEV_KAFKA:-127.0.0.1:9092}
work=$(mktemp -d)
export PENSTOCK_DATA=${PENSTOCK_DATA:-$work/data} # fresh, so that the sum at the end comes out even
server=
finish() {
	if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
	rm -rf "$work"
}
trap finish EXIT

go build -o "$work/penstock" ./cmd/penstock
"$work/penstock" serve --streams examples/orders/orders.yaml >"$work/log" 2>&1 &
server=$!
until curl -sf "$PENSTOCK_LISTEN/v1/streams" >"$work/streams"; do
	kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
	sleep 0.1
done

# send FILE CONTENT-TYPE: posts the file and shows the statuses of its events
send() {
	curl -s -o "$work/answer" -w "%{http_code}" "$PENSTOCK_LISTEN/v1/streams/orders/events" -H "Content-Type: $2" --data-binary "@$1"
	grep -o '"status":"[a-z]*"' "$work/answer" | tee -a "$work/statuses" | cut -d'"' -f4 | sort | uniq -c | awk '{printf "  %s %s", $1, $2} END {print ""}'
}
"$work/penstock" gen --count 1000 --bad 0.05 >"$work/orders.ndjson"
"$work/penstock" gen --from 1000 --count 200 --bad 0.05 --form cloudevents-batch >"$work/orders.json"
echo "1000 orders as NDJSON:        $(send "$work/orders.ndjson" application/x-ndjson)"
echo "the same once more:           $(send "$work/orders.ndjson" application/x-ndjson)"
echo "200 orders as CloudEvents:    $(send "$work/orders.json" application/cloudevents-batch+json)"

until curl -sf "$PENSTOCK_ADMIN/metrics" | grep -q '^penstock_journal_backlog_events{stream="orders"} 0$'; do
	sleep 0.1 # until Kafka has everything
done
"$work/penstock" tail --kafka "$PENSTOCK_DEV_KAFKA" orders >"$work/orders"
"$work/penstock" tail --kafka "$PENSTOCK_DEV_KAFKA" --rejects orders >"$work/rejects"
echo
echo "the topic orders:"
grep -m1 '"order_id":1,' "$work/orders"
echo "the topic orders.rejects, by reason:"
cut -d: -f1 "$work/rejects" | sort | uniq -c | sort -k1,1nr -k2

kill "$server"
wait "$server" # 0: everything was drained
server=
echo
echo "read 2200 = delivered $(wc -l <"$work/orders") + dropped $(grep -c duplicate "$work/statuses") + rejected $(wc -l <"$work/rejects")"
