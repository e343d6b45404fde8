"""PyIceberg against a running door: through its REST catalog, and through the catalog's file as its owner on this
machine. `reader.py check` compares what is there with FREEHOLD_ROWS rows of FREEHOLD_OWNER; `reader.py watch` reads
until its standard input ends, while the tables change. Run with FREEHOLD_URL, FREEHOLD_KEY and FREEHOLD_DATA set."""

import os
import select
import sys
import unittest

import requests
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError, UnauthorizedError
from pyiceberg.expressions import EqualTo

URL = os.environ["FREEHOLD_URL"] + "/iceberg"
KEY = os.environ["FREEHOLD_KEY"]
DATA = os.environ["FREEHOLD_DATA"]


def rest():
    return RestCatalog("freehold", uri=URL, token=KEY)


class Check(unittest.TestCase):
    def setUp(self):
        self.owner = os.environ["FREEHOLD_OWNER"]
        self.rows = int(os.environ["FREEHOLD_ROWS"])

    def test_counts_ids_and_timings_are_shown_and_content_is_not(self):
        catalog = rest()
        self.assertEqual(catalog.list_namespaces(), [("freehold",)])
        shown = [("freehold", name) for name in ("decisions", "documents", "feedback", "passages", "traces")]
        self.assertEqual(sorted(catalog.list_tables("freehold")), shown)
        self.assertTrue(catalog.table_exists("freehold.traces"))
        hidden = ("trace_contents", "feedback_contents", "document_contents", "document_lists", "vectors")
        for name in (*hidden, "never_was"):
            self.assertFalse(catalog.table_exists(f"freehold.{name}"))
            with self.assertRaises(NoSuchTableError):
                catalog.load_table(f"freehold.{name}")

    def test_what_is_hidden_answers_as_what_never_was(self):
        tables = f"{URL}/v1/namespaces/freehold/tables"
        answers = []
        for name in ("trace_contents", "never_was"):
            answer = requests.get(f"{tables}/{name}", headers={"Authorization": f"Bearer {KEY}"}, timeout=30)
            body = answer.json()
            body["error"].pop("request_id")
            answers.append((answer.status_code, body))
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0][1]["error"]["code"], 404)

    def test_rows_of_one_person_are_found(self):
        table = rest().load_table("freehold.traces")
        found = table.scan(row_filter=EqualTo("owner", self.owner)).to_arrow()
        self.assertEqual(found.num_rows, self.rows)
        self.assertEqual(set(found["outcome"].to_pylist()), {"refused"} if self.rows else set())
        self.assertGreater(table.scan().to_arrow().num_rows, self.rows)
        self.assertEqual([field.name for field in table.spec().fields], ["day", "task_partition"])

    def test_a_wrong_key_reads_nothing(self):
        with self.assertRaises(UnauthorizedError):
            RestCatalog("freehold", uri=URL, token="fh_wrong")

    def test_the_owner_of_the_disk_reads_content_from_the_files(self):
        catalog = SqlCatalog("freehold", uri=f"sqlite:///{DATA}/lake/catalog.db")
        table = catalog.load_table("freehold.trace_contents")
        found = table.scan(row_filter=EqualTo("owner", self.owner)).to_arrow()
        self.assertEqual(found.num_rows, self.rows)
        self.assertTrue(all("a ledger of mine" in text for text in found["input"].to_pylist()))

    def test_what_is_known_has_the_columns_that_its_readers_join_by(self):
        shown, files = rest(), SqlCatalog("freehold", uri=f"sqlite:///{DATA}/lake/catalog.db")
        for catalog, name in ((shown, "documents"), (shown, "passages"), (files, "document_contents"), (files, "vectors")):
            found = catalog.load_table(f"freehold.{name}").scan().to_arrow()
            self.assertLessEqual({"id", "task", "owner", "document", "version"}, set(found.column_names), name)
        vectors = files.load_table("freehold.vectors").schema().find_field("vector").field_type
        self.assertEqual(str(vectors), "list<float>")


def watch():
    """Every look sees a whole snapshot: rows are only added, and what was said is there before its exchange."""
    catalog, before, looks = rest(), 0, 0
    print("watching", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        found = catalog.load_table("freehold.traces").scan().to_arrow()
        ids = found["id"].to_pylist()
        assert len(ids) == len(set(ids)) and len(ids) >= before, (len(ids), before)
        before, looks = len(ids), looks + 1
    print(f"{looks} looks, {before} rows", flush=True)


if __name__ == "__main__":
    watch() if sys.argv.pop(1) == "watch" else unittest.main()
