// The console's first breath: words, clock, keys, then the screen.
import { mount } from "svelte";
import App from "./App.svelte";
import { keyboard } from "$lib/commands/keyboard.svelte";
import { preferredLanguage, words } from "$lib/i18n/i18n.svelte";
import { router } from "$lib/router/router.svelte";
import { clock } from "$lib/time/clock.svelte";
import { keepForOffline } from "./worker/register";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";

const target = document.getElementById("console");
if (target === null) throw new Error("the page has no #console element to draw in");

await words.use(preferredLanguage());
router.start();
keyboard.start();
clock.start();
mount(App, { target });
if (import.meta.env.PROD) void keepForOffline();
