"""Bill an order inside your own program: no server, no database, no third-party package."""

from datetime import date

from billing import (
    Access,
    BillingPeriod,
    Customer,
    OrderRows,
    Service,
    compose,
    open_storage,
    read_rates,
)

app = compose(open_storage("memory://"))
with app.storage.transaction(Access.everything()) as tx:
    tx.customers.save(Customer(123, "ACME Corp"))
    tx.services.save(Service(1, "Picking"))
rates = [{"service_id": 1, "price": {"model": "unit", "measure": "units", "unit_price": "0.35"}}]
app.rate_book.put(123, date(2023, 1, 1), read_rates(rates))
order = {"customer_id": 123, "order_id": 10001, "order_date": "2023-01-15"}
app.intake.store([order | {"items": [{"sku": "AB-1", "quantity": 30}]}], OrderRows())
report = app.generator.generate(123, BillingPeriod(date(2023, 1, 1), date(2023, 1, 31)))
for line in app.archive.read(report.id).service_totals:
    print(line.service_name, line.amount, report.currency)
