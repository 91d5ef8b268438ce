// Words of the server's answers in the user's language: the settings of cameras and their values,
// states, and kinds of events and recordings. User code and drivers have more words: those stay.
import { t } from "./text.js";

const TERMS = {
  // Settings of a camera.
  quality: t("quality"),
  fps: t("fps"),
  exposure: t("exposure"),
  exposure_auto: t("exposure auto"),
  exposure_dynamic_framerate: t("exposure dynamic framerate"),
  focus: t("focus"),
  focus_auto: t("focus auto"),
  zoom: t("zoom"),
  white_balance: t("white balance"),
  white_balance_auto: t("white balance auto"),
  brightness: t("brightness"),
  contrast: t("contrast"),
  saturation: t("saturation"),
  hue: t("hue"),
  gamma: t("gamma"),
  gain: t("gain"),
  sharpness: t("sharpness"),
  backlight_compensation: t("backlight compensation"),
  power_line_frequency: t("power line frequency"),
  pan_absolute: t("pan absolute"),
  tilt_absolute: t("tilt absolute"),
  horizontal_flip: t("horizontal flip"),
  vertical_flip: t("vertical flip"),
  motion_detection: t("motion detection"),
  // Values and units.
  "frames/s": t("frames/s"),
  pixels: t("pixels"),
  disabled: t("disabled"),
  manual_mode: t("manual mode"),
  auto_mode: t("auto mode"),
  aperture_priority_mode: t("aperture priority mode"),
  // States of cameras and of publish targets.
  live: t("live"),
  starting: t("starting"),
  lost: t("lost"),
  stopped: t("stopped"),
  connecting: t("connecting"),
  waiting: t("waiting"),
  // Events and their outcomes.
  motion: t("motion"),
  detection: t("detection"),
  started: t("started"),
  finished: t("finished"),
  failed: t("failed"),
  saved: t("saved"),
  recovered: t("recovered"),
  succeeded: t("succeeded"),
  // Kinds of recordings.
  timelapse: t("timelapse"),
  export: t("export"),
  // About the server.
  page: t("page"),
  recordings: t("recordings"),
  system: t("system"),
  uptime: t("uptime"),
};

// Returns a word of the server's answers in the user's language.
export const term = (word) => TERMS[word] ?? String(word).replaceAll("_", " ").replace(/(\d) hz$/, "$1 Hz");
