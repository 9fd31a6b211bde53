#!/usr/bin/env node
import "../dist/deletion-cost/main.js";
