// The rights of the page's token: the page offers nothing that the server would refuse.

class Rights {
  constructor() {
    this.set({ token: "", rights: ["view", "control", "publish", "admin", "listen"], cameras: null, login: false }); // as without tokens
  }

  // login: true if the page was opened by logging in, and not by the browser's own dialog.
  set({ token, rights, cameras, login = false }) {
    Object.assign(this, { token, rights, cameras, login });
  }

  // True if the token has a right for a camera, or without one for the whole server.
  may(right, camera = null) { return this.why(right, camera) === ""; }

  // Returns why the token does not have a right; "" if it has.
  why(right, camera = null) {
    if (!this.rights.includes(right)) return `The token “${this.token}” does not have the right ${right === "admin" ? "“admin”" : `to ${right}`}`;
    if (this.cameras === null || this.cameras.includes(camera)) return "";
    return `The token “${this.token}” is valid only for ${this.cameras.join(", ")}`;
  }

  // All restrictions in one text for the head of the page; "" if there are none.
  get restrictions() {
    const parts = [];
    if (!this.rights.includes("control")) parts.push("view, but not change anything");
    if (!this.rights.includes("view")) parts.push("control cameras, but see neither pictures nor recordings");
    const text = parts.length ? `With the token “${this.token}” you may ${parts.join("; ")}.` : "";
    if (this.cameras === null || !this.rights.includes("view")) return text;
    const not = this.rights.includes("control") ? "seen or deleted" : "seen";
    return `${text} ${this.why("view")}: recordings are listed, but cannot be ${not}.`.trim();
  }
}

export const rights = new Rights();
