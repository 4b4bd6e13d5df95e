// What the dashboard's module reads from in a notebook, here without one.

export class Model {
  #values = new Map();
  #listeners = new Map();

  get(name) {
    return this.#values.get(name);
  }

  set(name, value) {
    this.#values.set(name, value);
    for (const listener of this.#listeners.get(`change:${name}`) ?? []) listener();
  }

  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
  }

  off(event, listener) {
    this.#listeners.get(event)?.delete(listener);
  }
}
