"""Names: what each piece of work is called, in tables, goals and files alike."""

IMPORT_NDJSON = "import NDJSON"
IMPORT_CSV = "import CSV"
GENERATE = "generate"
GENERATE_SKUS = "generate, looking at SKUs"
DETAIL = "detail as JSON"
CSV_DOWNLOAD = "CSV download"
PDF_PAGE = "PDF page"
LIST = "list of reports"
SUMMARY = "customer summary"
PAGE_OF_20 = "list of 20 over HTTP"
CUSTOMERS_20 = "a customer's list over HTTP"
GUARDED = "token and limit over HTTP"
IMPORT_LIBRARY = "import billing"
HELP = "billing --help"
START = "start of the server"

OVER_ORDERS = (IMPORT_NDJSON, GENERATE, DETAIL, CSV_DOWNLOAD)
"""The works whose time should grow as the orders do, and whose memory should not."""
ASIDE = (IMPORT_CSV, GENERATE_SKUS)
"""Variants, which are measured on fewer orders."""
OVER_REPORTS = (LIST, SUMMARY)

PRODUCT = "product"
"""The contender that is measured; the others are its floors."""
ADDED_MB = "added_mb"
P99_MS = "p99_ms"
