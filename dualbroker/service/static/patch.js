// Applies what dualbroker/view/patches.py makes. What is not changed stays the same object, so that what draws it
// sees at once that nothing has happened to it.

export function applied(old, change) {
  if ("=" in change) return change["="];
  if ("keys" in change) {
    const made = { ...old };
    for (const name of change.gone) delete made[name];
    for (const [name, each] of Object.entries(change.keys)) made[name] = applied(made[name], each);
    return made;
  }
  if ("shift" in change) return [...old.slice(change.shift.length), ...change.shift];
  if ("at" in change) {
    const made = [...old];
    for (const [place, each] of Object.entries(change.at)) made[place] = applied(made[place], each);
    return made;
  }
  const [first, count, values] = change.cut;
  return [...old.slice(0, first), ...values, ...old.slice(first + count)];
}
