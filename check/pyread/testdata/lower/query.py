import sqlite3

connection = sqlite3.connect("orders.db")
cursor = connection.cursor()

def get_user_orders(user_id):
    query = f"SELECT * FROM orders WHERE user_id = {user_id}"
    cursor.execute(query)
    return cursor.fetchall()
