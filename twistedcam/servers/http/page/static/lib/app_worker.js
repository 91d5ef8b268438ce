// The service worker of the page: it makes the page an app, and shows notifications.
import { address } from "./api.js";

// Resolves with its registration; null where browsers allow none: on http:// in a local network.
export const worker = "serviceWorker" in navigator ? register() : Promise.resolve(null);

async function register() {
  try {
    return await navigator.serviceWorker.register(address("/service-worker.js"), { scope: address("/"), updateViaCache: "none" });
  } catch (error) { // in a private window, or if the browser does not accept the certificate
    console.info(`There is no service worker: ${error.message}`);
    return null;
  }
}
