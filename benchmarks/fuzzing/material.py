"""Good input to start from: real messages and symbol masters where they lie beside the checkout, and ours."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from dualbroker.model import FeedType
from dualbroker.noren import frames

from .mutation import JsonPairs

__all__ = ["Material"]

_SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

_OWN_FRAMES = (
    b'{"t":"ck","uid":"FA0001","s":"OK"}',
    b'{"t":"ak","uid":"FA0001","s":"NOT_OK","emsg":"Session Expired : Invalid Session Key"}',
    b'{"t":"hk","hk":"1700000000"}',
    b'{"t":"ok"}',
    b'{"t":"uk","k":"NSE|22#BSE|508123"}',
    b'{"t":"am","dmsg":"margin call"}',
    b'{"t":"tk","e":"NSE","tk":"22","ts":"ACC-EQ","pp":"2","ls":"1","ti":"0.05","lp":"1800.10","pc":"-0.45",'
    b'"v":"12345","o":"1801.00","h":"1811.05","l":"1790.00","c":"1808.25","ap":"1800.55","ft":"1700000000"}',
    b'{"t":"tf","e":"NSE","tk":"2885","lp":"1301.25","v":"166637","bp1":"1301.20","bq1":"26","sp1":"1301.30"}',
    b'{"t":"tf","e":"NFO","tk":"22","lp":"136.70","oi":"5186100","poi":"5186000","ft":"1700000001"}',
    b'{"t":"tf","e":"MCX","tk":"22","lp":"-2884.00","bp1":"-2900.00","sp1":"-2880","ft":"1587417300"}',
    b'{"t":"dk","e":"NFO","tk":"22","ts":"NIFTY29DEC26C26000","pp":"2","ls":"65","ti":"0.05","lp":"212.30",'
    b'"bp1":"212.20","bq1":"65","bo1":"1","bp2":"212.15","bq2":"130","bo2":"2","bp5":"211.00","bq5":"650",'
    b'"sp1":"212.40","sq1":"65","so1":"1","sp5":"213.95","sq5":"6500","tbq":"1000000","tsq":"900000",'
    b'"uc":"400.00","lc":"0.05","52h":"900.00","52l":"12.05","ltt":"10:00:01","ltq":"65","toi":"11398350"}',
    b'{"t":"df","e":"NSE","tk":"22","bq3":"7","52h":"9.5","ue":"10.1","le":"8.9","ltt":"10:00:01"}',
    b'{"t":"om","norenordno":"26030200000061","uid":"FA0001","actid":"FA0001","exch":"NFO","token":"22",'
    b'"tsym":"NIFTY29DEC26C26000","trantype":"B","qty":"130","prc":"210.05","pcode":"M","remarks":"x",'
    b'"status":"OPEN","reporttype":"New","prctyp":"LMT","ret":"DAY","exchordid":"1500000079566637",'
    b'"norentm":"10:00:01 02-03-2026","exch_tm":"02-03-2026 10:00:01","tm":"1772425801","ntm":"960322165"}',
    b'{"t":"om","norenordno":"26030200000061","exch":"NFO","tsym":"NIFTY29DEC26C26000","trantype":"S",'
    b'"qty":"130","prc":"0","status":"COMPLETE","reporttype":"Fill","flqty":"65","flprc":"210.05",'
    b'"flid":"380225664","fltm":"02-03-2026 10:00:02","fillshares":"130","avgprc":"210.05","cancelqty":"0"}',
    b'{"t":"om","norenordno":"26030200000062","exch":"MCX","trantype":"B","qty":"100","prc":"-5.00",'
    b'"trgprc":"-4.00","status":"REJECTED","reporttype":"Rejected","rejreason":"RED: blocked","prd":"M"}',
)

_OWN_ANSWERS = (
    b'{"stat":"Ok","request_time":"10:00:00 02-03-2026","exch":"NSE","token":"22","tsym":"ACC-EQ",'
    b'"lp":"1800.10","pp":"2","ls":"1","ti":"0.05","bp1":"1800.05","bq1":"12","sp1":"1800.20","sq1":"3","v":"12345",'
    b'"lut":"1772425801","wk52_h":"2500.00","wk52_l":"1500.00","uc":"1980.10","lc":"1620.10","oi":"0"}',
    b'{"stat":"Not_Ok","emsg":"Session Expired :  Invalid Session Key"}',
    b'{"stat":"Not_Ok","emsg":"Error Occurred : 5 \\"no data\\""}',
    b'{"stat":"Not_Ok","emsg":"Invalid Input :  Order Recieved 41 in a current minute exceeds Limit 40"}',
    b"<html><body><h1>502 Bad Gateway</h1></body></html>",
    b'[{"stat":"Ok","exch":"NFO","tsym":"NIFTY29DEC26C26000","token":"22","prd":"M","netqty":"-65",'
    b'"netavgprc":"212.30","daybuyqty":"0","daysellqty":"65","lp":"210.00","rpnl":"-12.50","urmtom":"149.50"}]',
    b'[{"stat":"Ok","norenordno":"26030200000061","exch":"NFO","tsym":"NIFTY29DEC26C26000","trantype":"B",'
    b'"qty":"65","flid":"7001","flqty":"65","flprc":"212.30","fltm":"02-03-2026 10:00:02",'
    b'"norentm":"10:00:01 02-03-2026"}]',
)


class Material:
    """Seeds of every target, and room for their files."""

    def __init__(self, room: Path, shared_data: Path = _SHARED_DATA) -> None:
        self.room = room
        """A folder for what is read from files."""
        self.is_real = shared_data.is_dir()
        real = [line for line in _lines(shared_data) if b'"t":' in line]
        self.frames: list[bytes] = [*_OWN_FRAMES, *real]
        rows = [line for line in _lines(shared_data) if b'"stat":' in line]
        self.answers: list[bytes] = [
            *_OWN_ANSWERS,
            *rows,
            *(b"[" + line + b"]" for line in rows if b"norenordno" in line),
            b"[" + b",".join(frame for frame in self.frames if b"norenordno" in frame) + b"]",
        ]
        keys = [("NSE", "22"), ("BSE", "508123")]
        self.client_frames: list[bytes] = [
            frame.encode()
            for frame in (
                frames.hello("c", user_id="FA0001", account_id="FA0001", token="ab12" * 16),
                frames.hello("a", user_id="FA0001", account_id="FA0002", token="cd34" * 16),
                frames.subscribe(keys, FeedType.TOUCHLINE),
                frames.subscribe(keys, FeedType.DEPTH),
                frames.unsubscribe(keys, FeedType.DEPTH),
                frames.subscribe_orders("FA0001"),
                frames.unsubscribe_orders(),
                frames.subscribe_positions("FA0001"),
                frames.heartbeat(),
            )
        ]
        self.masters: list[tuple[str, bytes]] = [*_own_masters(), *_real_masters(shared_data)]

    @staticmethod
    def pairs(seed: bytes) -> JsonPairs:
        """The fields of a JSON object as JSON texts."""
        fields: dict[str, Any] = json.loads(seed)
        return [(json.dumps(name), json.dumps(value)) for name, value in fields.items()]


def _lines(shared_data: Path) -> list[bytes]:
    files = sorted((shared_data / "noren-messages").glob("*.jsonl"))
    return [line for file in files for line in file.read_bytes().splitlines() if line.startswith(b"{")]


def _real_masters(shared_data: Path) -> list[tuple[str, bytes]]:
    """The head of each real master and some rows of its middle: fifty mutate as well as eighty thousand."""
    masters = []
    for file in sorted((shared_data / "symbol-masters").glob("*.zip")):
        with zipfile.ZipFile(file) as archive:
            lines = archive.read(archive.infolist()[0]).splitlines(keepends=True)
        middle = len(lines) // 2
        masters.append((file.name[:3], b"".join(lines[:30] + lines[middle : middle + 20])))
    return masters


_DERIVATIVES = (
    "Exchange,Token,LotSize,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,"
)


def _own_masters() -> list[tuple[str, bytes]]:
    day = date(2026, 12, 29)
    nfo = [_DERIVATIVES, "NFO,1,65,NIFTY,NIFTY29DEC26F,29-DEC-2026,FUTIDX,XX,-0.01,0.05,"]
    for number in range(12):
        symbol = f"NIFTY29DEC26{'CP'[number % 2]}{26000 + number * 50}"
        kind = ("CE", "PE")[number % 2]
        nfo.append(
            f"NFO,{100 + number},65,NIFTY,{symbol},29-DEC-2026,OPTIDX,{kind},{26000 + number * 50},0.05,"
        )
    cash = "Exchange,Token,LotSize,Symbol,TradingSymbol,Instrument,TickSize,"
    nse = [cash, "NSE,26000,1,Nifty 50,NIFTY INDEX,INDEX,0,", "NSE,2885,1,RELIANCE,RELIANCE-EQ,EQ,0.05,"]
    nse += [f"NSE,{500 + number},1,NAME{number},NAME{number}-EQ,EQ,0.05," for number in range(8)]
    bse = [cash, "BSE,500325,1,RELIANCE,RELIANCE,A,0.05,", "BSE,500112,1,SBIN,SBIN,A,0.05,"]
    expiry = (day + timedelta(days=2)).strftime("%d-%b-%Y").upper()
    bfo = [
        _DERIVATIVES.replace("StrikePrice", "Strike"),
        f"BFO,800002,20,BSXOPT,SENSEX26DEC91000PE,{expiry},OPTIDX,PE,91000,0.05,",
        f"BFO,800003,20,BSXFUT,SENSEX26DECFUT,{expiry},FUTIDX,XX,0,0.05,",
    ]
    mcx = [
        _DERIVATIVES.replace("Symbol,TradingSymbol", "GNGD,Symbol,TradingSymbol"),
        "MCX,574822,100,0.1,SILVER100,SILVER10031JUL26,31-JUL-2026,FUTCOM,XX,0,1,",
    ]
    flattrade = [
        "Token,Lotsize,Symbol,Tradingsymbol,Instrument,Expiry,Strike,Optiontype",
        "43210,65,NIFTY,NIFTY06OCT26P22400,OPTIDX,06-OCT-2026,22400,PE",
    ]
    masters = (("NFO", nfo), ("NSE", nse), ("BSE", bse), ("BFO", bfo), ("MCX", mcx), ("NFO", flattrade))
    return [(exchange, ("\n".join(rows) + "\n").encode()) for exchange, rows in masters]


def zipped(text: bytes, name: str = "NFO_symbols.txt") -> bytes:
    """A symbol master as brokers serve it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
