// The texts of the page in the user's language.
//
// The English text is the key. static/texts/LANGUAGE.json has the translations: one text, or for a
// text with a plural one for each category of Intl.PluralRules:
//
//   {"Close": "Schließen", "{count} viewers": {"one": "{count} Zuschauer", "other": "{count} Zuschauer"}}
//
// Other modules can call t() as soon as they run: this module ends when the translations are loaded.
// It also translates the page's own HTML and its templates: all texts, and the attributes in
// ATTRIBUTES. translate="no" excludes an element with all that it contains. An element with
// data-sentence is one text with its child elements, as in "Press <1>Record</1> to begin.".
import { store, stored } from "./storage.js";

// In their own names: somebody who cannot read the page's language has to find their own.
export const LANGUAGES = { en: "English", de: "Deutsch", fr: "Français", es: "Español", zh: "简体中文" };
const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];
const STORAGE_KEY = "twistedcam language";
const ATTRIBUTES = ["aria-label", "aria-roledescription", "alt", "label", "placeholder", "title"];
const SKIPPED = "[translate=no], code, noscript, pre, script, style, textarea";
const LOAD_TIMEOUT = 5000; // milliseconds: without an answer the page is English
const WORD = /\p{L}.*\p{L}/su; // a single letter is the name of a key

// The language that the user has selected, or "" for that of the browser.
export const selected = () => (Object.hasOwn(LANGUAGES, stored(STORAGE_KEY) ?? "") ? stored(STORAGE_KEY) : "");

export function select(language) {
  store(STORAGE_KEY, language);
  location.reload();
}

const base = (locale) => locale.split("-")[0].toLowerCase();

// The language of the page: one of LANGUAGES.
export const language = selected() || (navigator.languages ?? []).map(base).find((each) => Object.hasOwn(LANGUAGES, each)) || "en";

// The locale for Intl: the browser's own in that language, such as "de-CH", has its dates and numbers.
export const locale = (navigator.languages ?? []).find((each) => base(each) === language) ?? language;

const catalogue = language === "en" ? {} : await load(language);
const isRightToLeft = RIGHT_TO_LEFT.includes(language);
const plurals = new Intl.PluralRules(locale);
const numbers = new Intl.NumberFormat(locale, { useGrouping: "min2" });
const formats = new Map(); // of numbers with other options: it takes long to make one
const dateFormats = new Map(); // of dates and times, by their options

// Returns a text in the user's language.
//
// english: the whole sentence, with the names of values in braces: "{name} is full".
// values: numbers get the user's format, so a port or a year has to be a string.
export const t = (english, values = {}) => fill(catalogue[english] || english, values);

// Returns a text of the server in the user's language, such as the help of an option. Texts that have
// no translation stay as they are.
export const serverText = (english) => catalogue[english] || catalogue[english.charAt(0).toLowerCase() + english.slice(1)] || english;

// Returns the text that belongs to a count, which is its value {count}:
//
//   plural(viewers, "{count} viewer", "{count} viewers")
//
// one, other: the English texts. The key is `other`.
export function plural(count, one, other, values = {}) {
  const found = catalogue[other];
  const text = found ? found[plurals.select(count)] ?? found.other : count === 1 ? one : other;
  return fill(text, { count, ...values });
}

// Returns a number in the user's format. options: as of Intl.NumberFormat.
export function number(value, options) {
  if (!options) return numbers.format(value);
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(locale, options));
  return formats.get(key).format(value);
}

// Returns a date, a time, or both. options: of Intl.DateTimeFormat.
export function dateText(date, options) {
  const key = JSON.stringify(options);
  if (!dateFormats.has(key)) dateFormats.set(key, new Intl.DateTimeFormat(locale, options));
  return dateFormats.get(key).format(date);
}

// Returns "door, yard, and attic" in the user's language. type: "conjunction" or "disjunction".
export const list = (texts, type = "conjunction") => new Intl.ListFormat(locale, { type }).format(texts);

// Loads further translations of texts of the server, which few users need: static/FOLDER/LANGUAGE.json.
export async function loadTexts(folder) {
  if (language !== "en") Object.assign(catalogue, await load(language, folder));
}

async function load(name, folder = "texts") {
  try {
    const address = new URL(`../${folder}/${name}.json`, import.meta.url);
    const response = await fetch(address, { signal: AbortSignal.timeout(LOAD_TIMEOUT) });
    if (!response.ok) throw new Error(`${response.status}`);
    return await response.json();
  } catch (error) {
    console.warn(`The page is English: ${name}.json cannot be loaded`, error);
    return {};
  }
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    if (!Object.hasOwn(values, name)) return whole;
    const value = values[name];
    if (typeof value === "number") return numbers.format(value);
    return isRightToLeft ? `\u2068${value}\u2069` : value; // it does not reorder the sentence
  });
}

// Translates an element and all that it contains.
export function translate(root) {
  if (language === "en") return;
  translateNode(root);
  for (const template of root.querySelectorAll("template")) translate(template.content);
}

function translateNode(node) {
  if (node.nodeType === Node.TEXT_NODE) {
    if (WORD.test(node.data)) node.data = node.data.replace(/\S[^]*\S|\S/, (text) => t(plain(text)));
    return;
  }
  if (node.nodeType === Node.ELEMENT_NODE) {
    if (node.matches(SKIPPED)) return;
    for (const name of ATTRIBUTES) {
      const value = node.getAttribute(name);
      if (value && WORD.test(value)) node.setAttribute(name, t(value));
    }
    if ("sentence" in node.dataset) { translateSentence(node); return; }
  }
  for (const child of [...node.childNodes]) translateNode(child);
}

function translateSentence(element) {
  const children = [...element.children];
  const parts = [...element.childNodes].map((node) => {
    if (node.nodeType !== Node.ELEMENT_NODE) return node.textContent;
    const place = children.indexOf(node) + 1;
    return node.textContent.trim() ? `<${place}>${node.textContent}</${place}>` : `<${place}/>`;
  });
  const english = plain(parts.join(""));
  const text = t(english);
  if (text === english) return;
  element.replaceChildren();
  let end = 0;
  for (const found of text.matchAll(/<(\d+)>(.*?)<\/\1>|<(\d+)\/>/g)) {
    const [whole, place, inner, empty] = found;
    const child = children[(place ?? empty) - 1];
    if (place) child.textContent = inner;
    element.append(text.slice(end, found.index), child);
    end = found.index + whole.length;
  }
  element.append(text.slice(end));
}

const plain = (text) => text.trim().replace(/\s+/g, " ");

// Fills the menus that select the language.
function offerLanguages() {
  for (const menu of document.querySelectorAll("select.language")) {
    menu.append(new Option(t("As the browser"), ""));
    for (const [code, name] of Object.entries(LANGUAGES)) {
      const option = new Option(name, code);
      option.lang = code;
      menu.append(option);
    }
    menu.value = selected();
    menu.addEventListener("change", () => select(menu.value));
  }
}

document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
document.documentElement.dir = isRightToLeft ? "rtl" : "ltr";
translate(document.documentElement);
offerLanguages();
