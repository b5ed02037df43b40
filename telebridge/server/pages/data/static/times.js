import { showTimes } from "./live.js";

showTimes();
