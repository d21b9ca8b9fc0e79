"""Parquet files into the other two forms of a dataset, in a process that never saw anything else.

DuckDB fills its blocks up with what its memory held before, so the file is not made where the warehouse was
read.
"""

import gzip
import sys
from pathlib import Path

import msgspec

from tracelab.dataset import dataset_lines
from tracelab.providers.published_row import PublishedRow
from tracelab.publishing.columns import COLUMNS, DATABASE, LINES
from tracelab.warehouse import connect


def pack(folder: Path) -> None:
    """Make a DuckDB file of a folder's Parquet files, and of that the JSON Lines file."""
    with connect(folder / DATABASE, {"temp_directory": ""}) as dataset:
        dataset.begin()  # in one go: what is written to a second time holds what nobody knows
        for table in COLUMNS:
            rows = dataset.read_parquet(str(folder / f"{table}.parquet"))
            rows.create(table)
        dataset.commit()
        decode, encode = msgspec.json.Decoder(PublishedRow).decode, msgspec.json.Encoder().encode
        # no name and no time of writing in the header: the same rows give the same bytes
        with (
            (folder / LINES).open("wb") as file,
            gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as packed,
        ):
            for line in dataset_lines(dataset):
                packed.write(encode(decode(line)) + b"\n")


if __name__ == "__main__":
    pack(Path(sys.argv[1]))
