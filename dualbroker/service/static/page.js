// Brings the state to the page: one WebSocket, opened again whenever it is lost.

import dashboard from "./view/dashboard.js";
import { actions, addressOf, isLetIn } from "./actions.js";
import { Model } from "./model.js";
import { applied } from "./patch.js";

const SILENT_AFTER_MS = 5000;
const LOOK_EVERY_MS = 500;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10000;

const model = new Model();
let heardAt = performance.now();
let pause = FIRST_PAUSE_MS;
let connected = false;
let letIn = true;

function connect() {
  const address = addressOf("ws");
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address);
  let state = {};
  socket.onopen = () => socket.send(JSON.stringify({ streams: { view: { patches: true } } }));
  socket.onmessage = (event) => {
    const { view, view_patch: patches = {} } = JSON.parse(event.data);
    if (!view) return;
    // The first view of a connection is the whole state, the later ones what changed of it.
    state = { ...state, ...view };
    for (const [name, change] of Object.entries(patches)) state[name] = applied(state[name], change);
    connected = true;
    letIn = true;
    heardAt = performance.now();
    pause = FIRST_PAUSE_MS;
    model.set("state", state);
    tell();
  };
  socket.onclose = async () => {
    connected = false;
    tell();
    setTimeout(connect, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    letIn = await isLetIn();
    tell();
  };
}

function tell() {
  const words = problem();
  if (model.get("link")?.words !== words) model.set("link", { words });
  const title = words ? "▲ no connection · dualbroker" : model.get("state")?.verdict?.title ?? "dualbroker";
  if (document.title !== title) document.title = title;
}

function problem() {
  const silentMs = performance.now() - heardAt;
  if (connected && silentMs < SILENT_AFTER_MS) return "";
  if (!letIn) return "This browser is no longer let in: its token was shown too long ago. Reload the page, and show the token again.";
  const since = `${Math.round(silentMs / 1000)} s`;
  if (!model.get("state")) {
    return silentMs < SILENT_AFTER_MS ? "Connecting …" : `No answer from dualbroker for ${since}. Is it running? Trying again …`;
  }
  return connected
    ? `dualbroker has said nothing for ${since}. What is shown is old.`
    : `Connection to dualbroker lost. What is shown is ${since} old. Trying again …`;
}

model.set("part", "monitor");
model.set("options", { actions, commands: actions });
dashboard.render({ model, el: document.getElementById("dashboard") });
connect();
tell();
setInterval(tell, LOOK_EVERY_MS);
