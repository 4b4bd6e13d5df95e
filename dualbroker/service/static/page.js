// Brings the state to the page: one WebSocket, opened again whenever it is lost.

import { render } from "/static/view/dashboard.js";

const SILENT_AFTER_MS = 5000;
const REDRAW_MS = 500;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10000;

const element = document.getElementById("dashboard");
let state = null;
let heardAt = performance.now();
let pause = FIRST_PAUSE_MS;
let connected = false;

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/ws`);
  let fresh = true;
  socket.onmessage = (event) => {
    // The first message of a connection is the whole state, the later ones what changed of it.
    state = { ...(fresh ? {} : state), ...JSON.parse(event.data) };
    fresh = false;
    connected = true;
    heardAt = performance.now();
    pause = FIRST_PAUSE_MS;
    draw();
  };
  socket.onclose = () => {
    connected = false;
    draw();
    setTimeout(connect, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  };
}

function notice() {
  const silentMs = performance.now() - heardAt;
  if (connected && silentMs < SILENT_AFTER_MS) return "";
  const since = `${Math.round(silentMs / 1000)} s`;
  if (!state) return `No answer from dualbroker for ${since}. Is it running? Trying again …`;
  return connected
    ? `dualbroker has said nothing for ${since}. What is shown is old.`
    : `Connection to dualbroker lost. What is shown is ${since} old. Trying again …`;
}

function draw() {
  render(element, state, { notice: notice(), agedMs: performance.now() - heardAt });
}

connect();
setInterval(draw, REDRAW_MS);
