"""The instruments that the rest of dualbroker asks: look-ups, names in all their forms, words."""

from __future__ import annotations

from dualbroker.instruments.catalogue import Catalogue
from dualbroker.instruments.resolve import resolve
from dualbroker.instruments.search import search
from dualbroker.model import Instrument

__all__ = ["Instruments"]


class Instruments(Catalogue):
    """Symbol masters at hand, with look-ups by key, symbol and parts (see `Catalogue`), name and words."""

    def resolve(self, name: str, exchange: str = "NFO") -> Instrument:
        """The one instrument that a person means by a name.

        Parameters
        ----------
        name
            A trading symbol (``NIFTY29DEC26C26000``, ``RELIANCE-EQ``), Kite's name for it (weekly
            ``NIFTY26D0126000CE``, monthly ``NIFTY26DEC26000CE``, future ``NIFTY26DECFUT``), OpenAlgo's and
            Angel's (``NIFTY29DEC2626000CE``), a company's symbol on NSE (``RELIANCE``), a scrip code of BSE
            (``BSE:500325``), each also qualified (``NSE:RELIANCE``), or an index's plain name
            (``NIFTY``, ``NIFTY 50``, ``INDIA VIX``, ``SENSEX``). Case and spaces do not matter.
        exchange
            Where to look for a name that does not itself say or imply it. What NFO does not know, as no
            share is listed there, is looked for on NSE, and then on whatever other exchange is at hand.

        Raises
        ------
        UnknownInstrumentError
            No instrument has the name, or its exchange's symbol master isn't loaded. Says what is wrong
            with it as far as that can be told, and carries the closest names in ``matches``.
        AmbiguousInstrumentError
            Several do; ``matches`` carries them.
        """
        return resolve(self, name, exchange)

    def search(self, words: str, *, exchange: str | None = None, limit: int = 20) -> list[Instrument]:
        """Instruments of which every word matches a part, such as ``nifty 26000 ce``.

        Words are parts of names, strikes, ``ce``/``pe``, ``fut``/``opt``, days, months and years of expiry
        (``29``, ``dec``, ``29dec26``, ``2026``) and exchanges. Indices and exactly named underlyings come
        first, then the nearest expiry.
        """
        return search(self, words, exchange=exchange, limit=limit)
