// Dialogs with one form, which stay open until the server has accepted what is typed.
import { $, capital } from "./dom.js";

// field: where to type; send: sends the form; the message of an error that it raises is shown.
export function openForm(dialog, field, send) {
  const fault = $(".ask-error", dialog);
  fault.hidden = true;
  $("button[type=button]", dialog).onclick = () => dialog.close();
  $("form", dialog).onsubmit = async (event) => {
    event.preventDefault();
    try {
      await send();
      dialog.close();
    } catch ({ message }) {
      fault.textContent = capital(message);
      fault.hidden = false;
      field.focus();
    }
  };
  dialog.showModal();
  field.select();
}
