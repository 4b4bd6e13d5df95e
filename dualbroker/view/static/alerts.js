// Alerts as they come: a toast each, above all else; and where somebody wants it, a sound and a browser notification.

import { keyed, make } from "./nodes.js";
import { clockTimeOn } from "./words.js";

const TOAST_MS = 15000;
const MOST_TOASTS = 5;
const STATE_WORDS = { raised: "alert", resolved: "over", event: "alert", test: "test" };

export function alerts() {
  const node = make("section", "toasts", "", { "aria-label": "Alerts", "aria-live": "polite" });
  // In the top layer it stays in sight wherever the page is scrolled, and in a notebook too.
  node.popover = "manual";
  node.append(make("h2", "unseen", "Alerts"));
  const list = node.appendChild(make("div"));
  const tools = node.appendChild(make("div", "choices"));
  const toasts = new Map();
  const shown = [];
  let heard = null;
  const sound = tools.appendChild(make("button", "", "Sound", { type: "button", "aria-pressed": "false" }));
  let audio = null;
  sound.onclick = () => {
    audio = audio ? null : new AudioContext();
    sound.setAttribute("aria-pressed", String(Boolean(audio)));
    if (audio) beep();
  };
  const notify = tools.appendChild(make("button", "", "Browser notification", { type: "button", "aria-pressed": "false" }));
  notify.hidden = !("Notification" in window);
  let notifies = false;
  notify.onclick = async () => {
    notifies = !notifies && (await Notification.requestPermission()) === "granted";
    notify.setAttribute("aria-pressed", String(notifies));
  };

  function beep() {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    volume.gain.setValueAtTime(0.2, audio.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.4);
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.4);
  }

  function drop(number) {
    const place = shown.findIndex((row) => row.number === number);
    if (place >= 0) shown.splice(place, 1);
    write();
  }

  function write() {
    keyed(list, toasts, shown, (row) => row.number, (row) => {
      const toast = make("div", `toast is-${row.state}`);
      const close = make("button", "", "\u00d7", { type: "button", "aria-label": "Dismiss" });
      close.onclick = () => drop(row.number);
      toast.append(make("b", "", STATE_WORDS[row.state]), make("span", "words", row.words), make("span", "quiet", row.when), close);
      return { node: toast };
    });
    if (!node.isConnected || !node.showPopover) return;
    if (shown.length && !node.matches(":popover-open")) node.showPopover();
    if (!shown.length && node.matches(":popover-open")) node.hidePopover();
  }

  return {
    node,
    // With each state, also while nobody sees the page: then a notification is what counts.
    hear(state) {
      const told = state.alerts;
      if (!told) return;
      // What was told before this page was opened, or by a service that has started over, is no news.
      const fresh = heard === null || told.count < heard ? [] : told.rows.filter((row) => row.number > heard).reverse();
      heard = told.count;
      if (!fresh.length) return;
      for (const row of fresh) {
        shown.push({ ...row, when: clockTimeOn(row.time, state.time) });
        if (row.state === "resolved") {
          const begun = shown.find((other) => other.state === "raised" && other.rule === row.rule
            && other.broker_name === row.broker_name && other.symbol === row.symbol);
          if (begun) shown.splice(shown.indexOf(begun), 1);
        }
        // What lasts stays until it is over or dismissed.
        if (row.state !== "raised") setTimeout(() => drop(row.number), TOAST_MS);
        if (notifies) new Notification(`dualbroker ${state.mode}`, { body: row.words, tag: `dualbroker ${row.number}` });
      }
      shown.splice(0, Math.max(0, shown.length - MOST_TOASTS));
      if (audio) beep();
      write();
    },
    draw() {
      write();
    },
    close() {
      shown.length = 0;
    },
  };
}
