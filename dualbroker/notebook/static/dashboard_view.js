// Carries the dashboard's state through a widget: one text with the dashboard's own module, whose default
// export is called `dashboard` here, and with seen.js.
//
// The state comes as JSON in bytes, which the kernel writes much cheaper than a value of many parts.

const PACKED = { state: "packed", slow: "packed_slow" };
const packedName = (event) => event.replace(/^change:(state|slow)$/, (_, name) => `change:${PACKED[name]}`);

function unpacking(model, name) {
  const decoder = new TextDecoder();
  let bytes = null;
  let value = {};
  return () => {
    const now = model.get(name);
    if (now !== bytes) {
      bytes = now;
      value = now?.byteLength ? JSON.parse(decoder.decode(now)) : {};
    }
    return value;
  };
}

function unpackingModel(model) {
  const ask = (kind) => async (broker) => model.send({ kind, broker });
  const commands = { reconnect: ask("reconnect"), carry_quotes: ask("carry_quotes"), problemOf: String };
  const values = {
    state: unpacking(model, PACKED.state), slow: unpacking(model, PACKED.slow),
    options: () => ({ ...model.get("options"), commands }),
  };
  return {
    get: (name) => (name in values ? values[name]() : model.get(name)),
    on: (event, call) => model.on(packedName(event), call),
    off: (event, call) => model.off(packedName(event), call),
  };
}

export default {
  render({ model, el }) {
    const stopDrawing = dashboard.render({ model: unpackingModel(model), el });
    const stopTelling = telling(model, el);
    return () => {
      stopTelling();
      stopDrawing?.();
    };
  },
};
