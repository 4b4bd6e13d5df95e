"""The one file in a symbol master's zip, and no more of it than a symbol master can be."""

from __future__ import annotations

import io
import zipfile

from dualbroker.errors import WireError

__all__ = ["unzipped"]

_LARGEST_MASTER_BYTES = 256 * 1024 * 1024
_LONGEST_REASON = 120


def unzipped(data: bytes) -> bytes:
    """The first file of a zip. Names and paths in it mean nothing: nothing is written.

    Raises
    ------
    WireError
        It is no zip, a broken one, or too large, as it says or as it turns out to be.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = [file for file in archive.infolist() if not file.is_dir()]
            if not files:
                raise WireError("expected one CSV file in the symbol master's zip, found none")
            if files[0].file_size > _LARGEST_MASTER_BYTES:
                raise WireError(
                    f"expected a symbol master of at most {_LARGEST_MASTER_BYTES} bytes, "
                    f"found one of {files[0].file_size}"
                )
            if files[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # The others can't be unpacked up to a bound: a few bytes may fill the memory.
                raise WireError(
                    f"expected a stored or deflated symbol master, found method {files[0].compress_type}"
                )
            with archive.open(files[0]) as file:
                # A zip bomb tells another size than it has: no more is unpacked than it tells.
                return file.read(files[0].file_size + 1)
    except WireError:
        raise
    except Exception as error:  # on damaged bytes zipfile raises almost anything, IndexError too
        # Its words may quote what it found where the name of a file should be.
        words = str(error)[:_LONGEST_REASON]
        raise WireError(f"expected the zip of a symbol master, found a broken one: {words}") from error
