// Tells which elements the user can see: in the window, and in a tab that is not in the background.
const seen = new WeakMap(); // elements to [the function to call, true while it is in the window]
const watched = new Set();

const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const found = seen.get(target);
    if (!found) continue;
    found.isInside = isIntersecting;
    tell(found);
  }
}, { rootMargin: "60px" });

document.addEventListener("visibilitychange", () => { for (const element of watched) tell(seen.get(element)); });

function tell(found) {
  const isVisible = found.isInside && !document.hidden;
  if (isVisible === found.isVisible) return;
  found.isVisible = isVisible;
  found.onChange(isVisible);
}

// Calls onChange with true when an element becomes visible, and with false when it is not any more.
// An element is invisible at first.
export function watchVisibility(element, onChange) {
  seen.set(element, { onChange, isInside: false, isVisible: false });
  watched.add(element);
  observer.observe(element);
}

export function unwatchVisibility(element) {
  observer.unobserve(element);
  watched.delete(element);
  seen.delete(element);
}
