// Builds the package as ES modules and as CommonJS, by the compiler of the search path, as npm sets it.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

for (const config of ["tsconfig.json", "tsconfig.cjs.json"]) {
  execFileSync("tsc", ["-p", config], {
    cwd: import.meta.dirname,
    shell: process.platform === "win32",
    stdio: ["ignore", "inherit", "inherit"],
  });
}
// The other files of the package are ES modules.
writeFileSync(new URL("dist/cjs/package.json", import.meta.url), '{ "type": "commonjs" }\n');
