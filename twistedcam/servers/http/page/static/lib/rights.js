// What the page's token is valid for: the page offers nothing that the server would refuse.

class Rights {
  constructor() {
    this.hear({ token: "", rights: ["view", "control", "publish", "admin"], cameras: null }); // as without tokens
  }

  hear({ token, rights, cameras }) {
    Object.assign(this, { token, rights, cameras });
  }

  // Whether that may be done with a camera; without one: with recordings and all else that is the
  // server's as a whole.
  may(right, camera = null) { return this.why(right, camera) === ""; }

  // Why it may not be done; "" if it may.
  why(right, camera = null) {
    if (!this.rights.includes(right)) return `The token “${this.token}” does not have the right ${right === "admin" ? "“admin”" : `to ${right}`}`;
    if (this.cameras === null || this.cameras.includes(camera)) return "";
    return `The token “${this.token}” is for ${this.cameras.join(", ")} alone`;
  }

  // All that it may not, for the head of the page; "" if it may all.
  get limits() {
    const limits = [];
    if (!this.rights.includes("control")) limits.push("look, and change nothing");
    if (!this.rights.includes("view")) limits.push("steer cameras, and see neither pictures nor recordings");
    const said = limits.length ? `With the token “${this.token}” you may ${limits.join("; ")}.` : "";
    if (this.cameras === null || !this.rights.includes("view")) return said;
    const not = this.rights.includes("control") ? "seen or deleted" : "seen";
    return `${said} ${this.why("view")}: recordings are listed, and cannot be ${not}.`.trim();
  }
}

export const rights = new Rights();
