// The errors of the server in the user's language.
//
// The server says in English what is wrong. In other languages a sentence for the error's code says
// what that means for the user, and the server's own words follow, because they have the details.
import { dateText, language, serverText, t } from "./text.js";

// By the codes of docs/control.md. Codes that no request of the page can get have no sentence.
const SENTENCES = {
  "bad-argument": t("The server does not accept this value"),
  busy: t("Another client sends pictures to this camera already"),
  "camera-failed": t("The camera gives no picture"),
  "camera-needed": t("Select a camera first"),
  conflict: t("Somebody else has changed this meanwhile"),
  disk: t("The file could not be written"),
  "hook-failed": t("The hook has failed"),
  internal: t("The server has failed; its log has the reason"),
  "no-such-camera": t("This camera is not there any more"),
  "no-such-event": t("This event is not there any more"),
  "no-such-hook": t("This hook is not there any more"),
  "no-such-login": t("This login has ended already"),
  "no-such-recording": t("This recording is not there any more"),
  "no-such-viewer": t("This viewer is not there any more"),
  "not-found": t("The server does not have this"),
  "not-recording": t("The camera is not being recorded"),
  "not-supported": t("This camera or this server cannot do that"),
  "target-failed": t("The publish target does not accept the video"),
  "too-large": t("This is too large for the server"),
  "too-many": t("There were too many attempts: wait a moment"),
  unauthorized: t("Access denied"),
};

// Sentences of the server that say all, and have a translation of their own.
export const SERVER_TEXTS = [
  t("that token is wrong"),
  t("that user name or password is wrong"),
  t("this server requires a token"),
  t("too many wrong tokens came from this address: wait a minute"),
  t("without tokens, only this machine may read the log"),
  t("without tokens, only this machine may see and change the configuration"),
  t("another source is being tried: wait until that has ended"),
  t("somebody else is looking for cameras: wait until that has ended"),
  t("the configuration has changed meanwhile: load it again"),
  t("there is no change of the page to take back"),
  t("a user needs a name and a password"),
  t("the server was started without a configuration: start it with --config FILE"),
  t("it needs a login"),
  t("No webcam was found. A test picture is shown. Plug one in."),
  t("nobody publishes to it yet: twistedcam publish SOURCE twistedcam://HOST/CAMERA"),
  t("the port of the page was given on the command line: start the server without --http, or choose there who can reach it"),
];

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g; // as ISO 8601 has it

// Returns an error of the server: code and message, as in its answers; fallback: without a message.
export function errorText({ code, message } = {}, fallback = "") {
  if (!message) return SENTENCES[code] ?? fallback;
  const text = serverText(message);
  if (language === "en" || text !== message || !SENTENCES[code]) return withLocalTimes(text);
  return t("{error}: {detail}", { error: SENTENCES[code], detail: withLocalTimes(message) });
}

// The server writes times in UTC.
const withLocalTimes = (text) => text.replace(TIME, (time) => dateText(new Date(time), { dateStyle: "medium", timeStyle: "medium" }));
