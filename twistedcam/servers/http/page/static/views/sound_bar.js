// The controls of a camera's sound, on its picture: listen, volume, level, and mute at the source.
import { cameraPath, command } from "../lib/api.js";
import { $, setIcon } from "../lib/dom.js";
import { rights } from "../lib/rights.js";
import { store, stored } from "../lib/storage.js";
import { t } from "../lib/text.js";
import { Sound, levelOf } from "./sound.js";

const METER_PERIOD = 100; // milliseconds
const GESTURES = ["click", "keydown"];

export class SoundBar {
  // root: the element of the camera; isConnected, pictureDelay: as of Sound.
  constructor(name, root, isConnected, pictureDelay) {
    this.name = name;
    this.root = root;
    this.key = `twistedcam volume ${name}`;
    this.wantedKey = `twistedcam sound ${name}`;
    this.isWanted = stored(this.wantedKey) === "on"; // by the user, also while there is no sound
    this.isShown = false;
    this.status = null;
    this.sound = new Sound(name, isConnected, pictureDelay);
    this.bar = $(".sound", root);
    this.speaker = $(".speaker", root);
    this.slider = $(".volume input", root);
    this.muteButton = $(".mute", root);
    this.slider.value = stored(this.key) ?? 80;
    this.setVolume();
    this.slider.addEventListener("input", () => { this.setVolume(); store(this.key, this.slider.value); });
    this.speaker.addEventListener("click", () => this.toggle());
    this.muteButton.addEventListener("click", () => this.switchMute());
    // Browsers allow sound after a click or a key only. What that is for comes first.
    this.onGesture = () => setTimeout(() => this.resume());
    for (const each of GESTURES) document.addEventListener(each, this.onGesture);
    this.timer = setInterval(() => this.showLevel(), METER_PERIOD);
    this.show();
  }

  remove() {
    clearInterval(this.timer);
    for (const each of GESTURES) document.removeEventListener(each, this.onGesture);
    this.isWanted = false;
    this.sound.stop();
  }

  get isOn() { return this.sound.running; }

  get mayListen() { return Sound.isSupported() && rights.may("listen", this.name); }

  // True if there is something to hear, or will be again: a camera that is lost has no sound.
  get canListen() { return (Boolean(this.status?.audio) || this.isOn) && this.mayListen; }

  toggle() {
    this.isWanted = !this.isOn && this.canListen;
    store(this.wantedKey, this.isWanted ? "on" : "off");
    if (this.isOn) this.sound.stop();
    else if (this.canListen) this.sound.start();
    this.show();
  }

  // Listens again, as the user did when the page was left.
  resume() {
    if (!this.isWanted || this.isOn || !this.isShown || !this.status?.audio || !this.canListen) return;
    this.sound.start();
    this.show();
  }

  switchMute() {
    return command("POST", `${cameraPath(this.name)}/${this.status?.muted ? "unmute" : "mute"}`);
  }

  setVolume() {
    this.sound.setVolume(this.slider.value / 100);
    this.slider.setAttribute("aria-valuetext", t("{share} percent", { share: Number(this.slider.value) }));
  }

  // status: of the camera. A page that shows another camera is silent.
  update(status, isShown) {
    [this.status, this.isShown] = [status, isShown];
    if (this.isOn && (!this.mayListen || !isShown)) this.sound.stop();
    if (navigator.userActivation?.hasBeenActive) this.resume();
    this.show();
  }

  show() {
    const { isOn, status } = this;
    const title = status?.title || this.name;
    const isMuted = Boolean(status?.muted);
    $(".silent", this.root).hidden = status?.audio_state !== "muted"; // also by the server before
    this.bar.hidden = !(status?.audio || isOn) || (status.muted === undefined && !this.canListen);
    this.bar.dataset.on = isOn;
    $(".listen", this.root).hidden = !this.canListen;
    this.speaker.setAttribute("aria-pressed", isOn);
    this.speaker.setAttribute("aria-label", t("Listen to {camera}", { camera: title }));
    this.speaker.title = isOn ? t("Sound off") : this.isWanted ? t("Sound begins with the next click or key") : isMuted ? t("Listen (the camera is muted)") : t("Listen");
    setIcon($("use", this.speaker), isOn ? "sound" : "silence");
    $(".volume", this.root).hidden = !isOn;
    this.slider.setAttribute("aria-label", t("Volume of {camera}", { camera: title }));
    this.muteButton.hidden = status?.muted === undefined;
    const refusal = rights.why("control", this.name);
    this.muteButton.disabled = Boolean(refusal);
    this.muteButton.setAttribute("aria-pressed", isMuted);
    this.muteButton.setAttribute("aria-label", t("Mute {camera} at the source", { camera: title }));
    this.muteButton.title = refusal || (isMuted ? t("Unmute: for everybody, and in recordings") : t("Mute: for everybody, and in recordings"));
    setIcon($("use", this.muteButton), isMuted ? "microphone-off" : "microphone");
  }

  // The level of what is heard, or as the server measures it.
  showLevel() {
    if (this.bar.hidden) return;
    const told = this.status?.muted || this.status?.audio_level_db == null ? 0 : levelOf(this.status.audio_level_db);
    const level = this.isOn ? this.sound.level : told;
    const share = level.toFixed(2);
    if (share !== this.share) this.bar.style.setProperty("--level", this.share = share);
  }
}
