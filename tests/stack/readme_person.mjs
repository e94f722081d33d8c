// What a person does between two commands of handlers/auth/README.md, printed for the shell:
//   mail STATE_DIR ADDRESS      the code of the newest mail to it; waits for one it has not printed yet
//   app SECRET                  a code of an authenticator app
//   app-later SECRET            the next one that counts
//   browser ADDRESS             signs in there and allows what is asked; the code that comes back
import fs from 'node:fs';
import { mailedCode, totpCode } from './client.mjs';
import { until } from './harness.mjs';
import { Browser } from './oauth_browser.mjs';

const STEP_MS = 30000;
const PRINTED = 'codes-printed';
const [what, ...args] = process.argv.slice(2);

const does = {
	async mail(state, address) {
		const printed = fs.existsSync(PRINTED) ? fs.readFileSync(PRINTED, 'utf8') : '';
		let code;
		await until('another code', async () => {
			code = await mailedCode({ state }, address);
			return !printed.includes(code);
		});
		fs.appendFileSync(PRINTED, `${code}\n`);
		return code;
	},
	// The step before this one, so that this one is left for what comes later.
	async app(secret) {
		await until('time left in this step', () => STEP_MS - Date.now() % STEP_MS > 10000);
		return totpCode(secret, -1);
	},
	'app-later': (secret) => totpCode(secret),
	async browser(address) {
		const { EMAIL: email, PASSWORD: password } = process.env;
		return (await new Browser(address).grant(address, { email, password })).answer.code;
	},
};
console.log(await does[what](...args));
