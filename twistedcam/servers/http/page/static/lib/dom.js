// Helpers for the DOM and for names in texts.

export const $ = (selector, root = document) => root.querySelector(selector);

export function fromTemplate(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

export function setIcon(use, name) {
  const address = `static/icons.svg#${name}`;
  if (use.getAttribute("href") !== address) use.setAttribute("href", address);
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// Replaces characters that change the direction of text: they can disguise the suffix of a file.
export const visible = (name) => name.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

// The same within a sentence: a right-to-left name does not reorder the text around it.
export function inText(name) {
  const shown = visible(name);
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(shown) ? `\u2068${shown}\u2069` : shown;
}
