"""Northwind: loaded with LOAD CSV from the import folder, then asked what it is made for.

Expected answers are worked out here from the CSV files themselves, independently of the server.
"""

import collections
import csv
import shutil

import pytest

from harness import Server, shared_folder

SCHEMA = [
    "CREATE CONSTRAINT product_id FOR (p:Product) REQUIRE p.productID IS UNIQUE",
    "CREATE CONSTRAINT category_id FOR (c:Category) REQUIRE c.categoryID IS UNIQUE",
    "CREATE CONSTRAINT supplier_id FOR (s:Supplier) REQUIRE s.supplierID IS UNIQUE",
    "CREATE CONSTRAINT customer_id FOR (c:Customer) REQUIRE c.customerID IS UNIQUE",
    "CREATE CONSTRAINT order_id FOR (o:Order) REQUIRE o.orderID IS UNIQUE",
    "CREATE CONSTRAINT employee_id FOR (e:Employee) REQUIRE e.employeeID IS UNIQUE",
    "CREATE INDEX product_name FOR (p:Product) ON (p.productName)",
    "CREATE INDEX customer_country FOR (c:Customer) ON (c.country)",
]

LOADS = [
    """LOAD CSV WITH HEADERS FROM 'file:///categories.csv' AS row
       CREATE (:Category {categoryID: toInteger(row.categoryID), categoryName: row.categoryName})""",
    """LOAD CSV WITH HEADERS FROM 'file:///suppliers.csv' AS row
       CREATE (:Supplier {supplierID: toInteger(row.supplierID), companyName: row.companyName, country: row.country})""",
    """LOAD CSV WITH HEADERS FROM 'file:///products.csv' AS row
       MATCH (c:Category {categoryID: toInteger(row.categoryID)})
       MATCH (s:Supplier {supplierID: toInteger(row.supplierID)})
       CREATE (p:Product {productID: toInteger(row.productID)})
       SET p.productName = row.productName, p.unitPrice = toFloat(row.unitPrice),
           p.unitsInStock = toInteger(row.unitsInStock), p.discontinued = (row.discontinued <> '0')
       CREATE (p)-[:PART_OF]->(c), (s)-[:SUPPLIES]->(p)""",
    """LOAD CSV WITH HEADERS FROM 'file:///customers.csv' AS row
       CREATE (c:Customer) SET c = row""",
    """LOAD CSV WITH HEADERS FROM 'file:///employees.csv' AS row
       CREATE (e:Employee {employeeID: toInteger(row.employeeID), lastName: row.lastName, firstName: row.firstName,
                           hireDate: date(substring(row.hireDate, 0, 10))})""",
    """LOAD CSV WITH HEADERS FROM 'file:///employees.csv' AS row
       WITH row WHERE row.reportsTo <> 'NULL'
       MATCH (e:Employee {employeeID: toInteger(row.employeeID)}), (m:Employee {employeeID: toInteger(row.reportsTo)})
       MERGE (e)-[:REPORTS_TO]->(m)""",
    """LOAD CSV WITH HEADERS FROM 'file:///orders.csv' AS row
       MATCH (c:Customer {customerID: row.customerID})
       MATCH (e:Employee {employeeID: toInteger(row.employeeID)})
       MERGE (o:Order {orderID: toInteger(row.orderID)})
         ON CREATE SET o.orderDate = date(substring(row.orderDate, 0, 10)), o.freight = toFloat(row.freight)
       CREATE (c)-[:PURCHASED]->(o), (e)-[:SOLD]->(o)""",
    """LOAD CSV WITH HEADERS FROM 'file:///order-details.csv' AS row
       MATCH (p:Product {productID: toInteger(row.productID)})
       MATCH (o:Order {orderID: toInteger(row.orderID)})
       MERGE (o)-[d:CONTAINS]->(p)
         ON CREATE SET d.unitPrice = toFloat(row.unitPrice), d.quantity = toInteger(row.quantity),
                       d.discount = toFloat(row.discount)""",
]


def table(name):
    with open(shared_folder() / "data/northwind" / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def session():
    server = Server()
    (server.home / "import").mkdir(mode=0o700, exist_ok=True)
    for file in (shared_folder() / "data/northwind").glob("*.csv"):
        shutil.copy(file, server.home / "import" / file.name)
    with server, server.driver() as driver, driver.session() as session:
        for statement in SCHEMA + LOADS:
            session.run(statement).consume()
        yield session


def rows(session, text, **parameters):
    return [tuple(record.values()) for record in session.run(text, parameters)]


def test_every_line_became_an_entity(session):
    for label, name in [("Product", "products"), ("Customer", "customers"), ("Order", "orders"), ("Employee", "employees")]:
        assert rows(session, f"MATCH (n:{label}) RETURN count(n)") == [(len(table(name)),)]
    assert rows(session, "MATCH (:Order)-[r:CONTAINS]->(:Product) RETURN count(r)") == [(len(table("order-details")),)]


def test_who_bought_what(session):
    orders = {row["orderID"] for row in table("orders") if row["customerID"] == "ALFKI"}
    names = {row["productID"]: row["productName"] for row in table("products")}
    expected = sorted({names[row["productID"]] for row in table("order-details") if row["orderID"] in orders})
    found = rows(
        session,
        """MATCH (c:Customer {customerID: $id})-[:PURCHASED]->(:Order)-[:CONTAINS]->(p:Product)
           RETURN DISTINCT p.productName AS name ORDER BY name""",
        id="ALFKI",
    )
    assert [name for (name,) in found] == expected and expected


def test_revenue_by_category(session):
    category = {row["productID"]: row["categoryID"] for row in table("products")}
    names = {row["categoryID"]: row["categoryName"] for row in table("categories")}
    revenue = collections.Counter()
    for row in table("order-details"):
        amount = float(row["unitPrice"]) * int(row["quantity"]) * (1 - float(row["discount"]))
        revenue[names[category[row["productID"]]]] += amount
    found = rows(
        session,
        """MATCH (c:Category)<-[:PART_OF]-(:Product)<-[d:CONTAINS]-(:Order)
           RETURN c.categoryName AS category, sum(d.unitPrice * d.quantity * (1 - d.discount)) AS revenue
           ORDER BY revenue DESC""",
    )
    assert [name for name, _ in found] == [name for name, _ in revenue.most_common()]
    for name, amount in found:
        assert amount == pytest.approx(revenue[name])


def test_recommends_what_buyers_of_the_same_products_bought(session):
    bought = collections.defaultdict(set)
    customer = {row["orderID"]: row["customerID"] for row in table("orders")}
    for row in table("order-details"):
        bought[customer[row["orderID"]]].add(row["productID"])
    mine = bought["ANTON"]
    score = collections.Counter()
    for other, products in bought.items():
        if other != "ANTON":
            for product in products - mine:
                score[int(product)] += len(products & mine)
    expected = sorted(((product, count) for product, count in score.items() if count), key=lambda pair: (-pair[1], pair[0]))[:5]
    found = rows(
        session,
        """MATCH (me:Customer {customerID: 'ANTON'})-[:PURCHASED]->()-[:CONTAINS]->(p:Product)
           WITH me, collect(DISTINCT p) AS mine
           UNWIND mine AS p
           MATCH (p)<-[:CONTAINS]-()<-[:PURCHASED]-(other:Customer) WHERE other <> me
           WITH DISTINCT mine, p, other
           MATCH (other)-[:PURCHASED]->()-[:CONTAINS]->(q:Product) WHERE NOT q IN mine
           WITH DISTINCT p, other, q
           RETURN q.productID AS product, count(*) AS score ORDER BY score DESC, product LIMIT 5""",
    )
    assert found == expected


def test_chain_of_command(session):
    above = {row["employeeID"]: row["reportsTo"] for row in table("employees")}

    def depth(employee):
        return 0 if above[employee] == "NULL" else 1 + depth(above[employee])

    found = rows(
        session,
        """MATCH (e:Employee) OPTIONAL MATCH p = (e)-[:REPORTS_TO*]->(boss) WHERE NOT (boss)-[:REPORTS_TO]->()
           RETURN e.employeeID, coalesce(length(p), 0) AS depth ORDER BY e.employeeID""",
    )
    assert found == sorted((int(employee), depth(employee)) for employee in above)


def test_orders_by_year(session):
    years = collections.Counter(int(row["orderDate"][:4]) for row in table("orders"))
    assert rows(session, "MATCH (o:Order) RETURN o.orderDate.year AS year, count(*) ORDER BY year") == sorted(years.items())


def test_bulk_lookups_use_the_index(session):
    summary = session.run(
        "EXPLAIN UNWIND $rows AS r MATCH (p:Product {productID: r.id}) RETURN p", rows=[{"id": 1}]
    ).consume()
    operators, queue = [], [summary.plan]
    while queue:
        plan = queue.pop()
        operators.append(plan["operatorType"])
        queue.extend(plan.get("children", []))
    assert any("IndexSeek" in name for name in operators), operators


def test_a_second_product_with_the_same_key_is_refused(session):
    with pytest.raises(Exception) as refused:
        session.run("CREATE (:Product {productID: 1})").consume()
    assert refused.value.code == "Neo.ClientError.Schema.ConstraintValidationFailed"
