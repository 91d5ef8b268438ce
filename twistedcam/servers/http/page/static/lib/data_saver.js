// The data saver: smaller pictures, and fewer of them, for lines that are paid by the megabyte.
import { store, stored } from "./storage.js";

const STORAGE_KEY = "twistedcam data saver";
let choice = stored(STORAGE_KEY);

export const dataSaver = {
  // True if the user has switched it on here, or in the browser and not off here.
  get isOn() { return choice ? choice === "on" : Boolean(navigator.connection?.saveData); },

  // Players use it from the next status of their camera on, which comes within a second.
  set(isOn) {
    choice = isOn ? "on" : "off";
    store(STORAGE_KEY, choice);
  },
};
