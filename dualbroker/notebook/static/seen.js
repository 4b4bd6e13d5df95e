// Tells the kernel now and then that somebody looks at a view, so that it may write less often when nobody
// does, and tells the view itself, so that it is not drawn for nothing.

const BEAT_MS = 10_000;
const SEEN = { kind: "seen" };

function watchSight(element, changed) {
  let intersects = true;
  let seen = null;
  const look = () => {
    const now = intersects && document.visibilityState === "visible";
    if (now === seen) return;
    seen = now;
    changed(seen);
  };
  const observer = new IntersectionObserver((entries) => {
    intersects = entries.at(-1).isIntersecting;
    look();
  }, { rootMargin: "200px" });
  observer.observe(element);
  document.addEventListener("visibilitychange", look);
  return () => {
    observer.disconnect();
    document.removeEventListener("visibilitychange", look);
  };
}

function telling(model, element, changed = () => {}) {
  let timer = null;
  const beat = () => model.send(SEEN);
  const stop = watchSight(element, (seen) => {
    clearInterval(timer);
    if (seen) {
      beat();
      timer = setInterval(beat, BEAT_MS);
    }
    changed(seen);
  });
  return () => {
    clearInterval(timer);
    stop();
  };
}
