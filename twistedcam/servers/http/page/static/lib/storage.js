// What the browser remembers of the user's choices. It can be set to store nothing: then a choice
// holds until the next reload.
export function stored(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}

export function store(key, value) {
  try { localStorage.setItem(key, value); } catch { /* it is not remembered */ }
}
