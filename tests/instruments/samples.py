"""Small symbol masters in the brokers' layouts, for tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from dualbroker.instruments.names import MONTHS

NSE_HEADER = "Exchange,Token,LotSize,Symbol,TradingSymbol,Instrument,TickSize,"
NFO_HEADER = "Exchange,Token,LotSize,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,"
BFO_HEADER = "Exchange,Token,LotSize,Symbol,TradingSymbol,Expiry,Instrument,OptionType,Strike,TickSize,"

_MONTH_NAMES = {number: name for name, number in MONTHS.items()}


def master(header: str, rows: Iterable[str], newline: str = "\n") -> bytes:
    return (newline.join((header, *rows)) + newline).encode("utf-8")


def noren_day(day: date) -> str:
    return f"{day.day:02}{_MONTH_NAMES[day.month]}{day.year % 100:02}"


def kite_weekly_day(day: date) -> str:
    return f"{day.year % 100:02}{'123456789OND'[day.month - 1]}{day.day:02}"


def kite_month(day: date) -> str:
    return f"{day.year % 100:02}{_MONTH_NAMES[day.month]}"


def master_day(day: date) -> str:
    return f"{day.day:02}-{_MONTH_NAMES[day.month]}-{day.year}"


def option_row(token: int, name: str, day: date, strike: str, option_type: str) -> str:
    symbol = f"{name}{noren_day(day)}{option_type[0]}{strike}"
    return f"NFO,{token},65,{name},{symbol},{master_day(day)},OPTIDX,{option_type},{strike},0.05,"


def future_row(token: int, name: str, day: date) -> str:
    return f"NFO,{token},65,{name},{name}{noren_day(day)}F,{master_day(day)},FUTIDX,XX,-0.01,0.05,"


def nse_master() -> bytes:
    return master(
        NSE_HEADER,
        [
            "NSE,26000,1,Nifty 50,NIFTY INDEX,INDEX,0,",
            "NSE,26009,1,Nifty Bank,NIFTY BANK,INDEX,0,",
            "NSE,26017,1,INDIAVIX,INDIA VIX,INDEX,0,",
            "NSE,26037,1,Nifty Fin Services,FINNIFTY,INDEX,0,",
            "NSE,2885,1,RELIANCE,RELIANCE-EQ,EQ,0.05,",
            "NSE,2031,1,M&M,M&M-EQ,EQ,0.1,",
            "NSE,16669,1,BAJAJ-AUTO,BAJAJ-AUTO-EQ,EQ,1,",
            "NSE,100,1,SMALLCO,SMALLCO-BE,BE,0.01,",
            "NSE,101,1,TRUSTY,TRUSTY-IV,IV,0.01,",
            "NSE,102,1,TRUSTY,TRUSTY-BL,BL,0.01,",
            "NSE,103,100,718GS33,718GS33-GS,GS,0.01,",
        ],
    )
