"""Files that many people have and that are not read here, with what to do about them."""

from __future__ import annotations

import re

from fieldfare.exceptions import DataError
from fieldfare.sources.bytes import ByteStream

_UNPACK = "Unpack it first."
_FRAME = "Open it with pandas and pass the DataFrame."
_KNOWN = [
    (rb"FEA1\0\0\0\0", "Feather version 1", "Write it again with to_feather of a current pandas."),
    (
        rb"PARE[\x00-\xff]{2}\0",
        "encrypted Parquet",
        "Open it with pyarrow and its key, and pass the table.",
    ),
    (rb"ORC[\x00-\x08\x0e-\x1f]", "ORC", "Open it with pandas.read_orc and pass the DataFrame."),
    (rb"Obj\x01", "Avro", "Write it as Parquet, or pass its records as dicts."),
    (rb"\x89HDF\r\n\x1a\n", "HDF5", _FRAME),
    (rb"\x93NUMPY", "a NumPy array", "Open it with numpy.load and pass the array."),
    (rb"SQLite format 3\0", "an SQLite database", "Read a table with pandas.read_sql and pass it."),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook", _FRAME),
    (rb"(?:RD[AX][2-5]\n)?[XA]\n\0\0\0[\x02-\x05]", "data of R", "Write it with write.csv in R."),
    (rb"\$FL[23]@\(#\)", "SPSS data", _FRAME),
    (rb"<stata_dta>", "Stata data", _FRAME),
    (
        rb"\x80[\x02-\x05][\x00-\xff]*",
        "a pickle",
        "Load it if you trust it, and pass what is in it.",
    ),
    (rb"%PDF-", "a PDF document", "Export the table as CSV."),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (rb"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (rb"\x1f\x9d", "a file packed by compress", _UNPACK),
    (rb"\x04\x22\x4d\x18", "a file packed by lz4", _UNPACK),
    (rb"[\x00-\xff]{257}ustar", "a tar archive", "Unpack it, and name a file in it or the folder."),
]


def refuse_foreign(stream: ByteStream) -> None:
    """Refuse a file of a known format that cannot be read here; consume nothing.

    Raises
    ------
    DataError
        Naming the format, and what to do.
    """
    head = stream.head()[:512]
    for magic, what, advice in _KNOWN:
        if re.match(magic, head):
            raise DataError(f"{stream.label} is {what}, which cannot be read directly. {advice}")
