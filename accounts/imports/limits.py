"""What the door lets in. Each number is a bound on memory or time, not on the business."""

MAX_COLUMNS = 512  # a sheet of 5,000 columns is no list of revenue
MAX_CELL_CHARACTERS = 131_072  # more is an open quotation mark or an attack
MAX_SHEET_ROWS = 1_048_576  # rows of an Excel sheet
MAX_DECLARED_BYTES = 2 * 1024**3  # unpacked size of a workbook by its own directory
MAX_TEXT_BYTES = 8 * 1024**3  # unpacked size of a text file
CALAMINE_BYTES = 40 * 1024**2  # sheet XML that is read in one piece; above it the sheet is streamed
CALAMINE_CELLS = 10_000_000  # width × height of a sheet that is read in one piece
MAX_STRINGS_BYTES = 256 * 1024**2  # table of shared strings of a workbook
BOMB_RATIO = 200  # unpacked : packed of a gzip file, once it is past BOMB_FLOOR
BOMB_FLOOR = 32 * 1024**2
BLOCK_BYTES = 1024**2  # what is read of a file at a time
CHUNK_ROWS = 4_000  # rows typed at a time
SAMPLE_ROWS = 2_000  # rows looked at before the whole file is
SAMPLE_BYTES = 256 * 1024
SOURCE_LENGTH = 60  # characters of the name rows are identified under
"""Longest memo of typed cells a column keeps; a file of distinct values must not grow the process."""
MEMO_CELLS = 30_000
