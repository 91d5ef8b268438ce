// The rights of the page's token: the page offers nothing that the server would refuse.
import { t } from "./text.js";

const REFUSALS = {
  view: (token) => t("The token “{token}” does not have the right to view", { token }),
  control: (token) => t("The token “{token}” does not have the right to control", { token }),
  publish: (token) => t("The token “{token}” does not have the right to publish", { token }),
  listen: (token) => t("The token “{token}” does not have the right to listen", { token }),
  admin: (token) => t("The token “{token}” does not have the right “admin”", { token }),
};

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
    if (!this.rights.includes(right)) return REFUSALS[right](this.token);
    if (this.cameras === null || this.cameras.includes(camera)) return "";
    return t("The token “{token}” is valid only for {cameras}", { token: this.token, cameras: this.cameras.join(", ") });
  }

  // All restrictions in one text for the head of the page; "" if there are none.
  get restrictions() {
    const { token, cameras } = this;
    const [maySee, mayControl] = [this.rights.includes("view"), this.rights.includes("control")];
    if (!maySee && !mayControl) return t("With the token “{token}” you may neither view nor control cameras.", { token });
    if (!maySee) return t("With the token “{token}” you may control cameras, but see neither pictures nor recordings.", { token });
    const text = mayControl ? "" : t("With the token “{token}” you may view, but not change anything.", { token });
    if (cameras === null) return text;
    const only = { token, cameras: cameras.join(", ") };
    const more = mayControl
      ? t("The token “{token}” is valid only for {cameras}: recordings are listed, but cannot be seen or deleted.", only)
      : t("The token “{token}” is valid only for {cameras}: recordings are listed, but cannot be seen.", only);
    return `${text} ${more}`.trim();
  }
}

export const rights = new Rights();
