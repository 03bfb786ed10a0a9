// What makes pages quicker to use. Without any of it they work all the same.
import { copying } from "./copying.js";
import { keys } from "./keys.js";
import { moments } from "./moments.js";
import { proving } from "./proving.js";
import { swaps } from "./swaps.js";

copying(document);
moments(document);
keys(document);
swaps(document);
proving(document);
