// The second factor behind a web server, with codes that nobody here wrote the C for.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, signIn, totpCode as codeOf } from './client.mjs';
import { OWNER, SERVERS, startStack, until } from './harness.mjs';

const STEP_MS = 30000;

for (const server of SERVERS) {
	describe(`the second factor behind ${server}`, () => {
		let stack, client;
		before(async () => {
			stack = await startStack(server);
			client = new Client(stack.url);
		});
		after(async () => {
			client?.close();
			await stack?.stop();
		});

		test('is enrolled, asked for, recovered from and removed', async () => {
			// Codes of the step before and after must stay so to the end.
			await until('time left in this step', () => STEP_MS - Date.now() % STEP_MS > 10000);
			const { access_token: token } = await signIn(client);
			const enrolled = await client.post('/v1/auth/totp', undefined, { token });
			assert.equal(enrolled.status, 200, enrolled.text);
			assert.equal(enrolled.headers['cache-control'], 'no-store');
			const { secret, otpauth_uri: uri } = enrolled.json;
			assert.equal(new URL(uri).searchParams.get('secret'), secret);
			assert.ok(uri.startsWith('otpauth://totp/'), uri);

			const wrong = await client.post('/v1/auth/totp/verify', { code: codeOf(secret, 50) }, { token });
			assert.equal(wrong.status, 422, wrong.text);
			assert.equal(wrong.json.errors[0].pointer, '/code');
			const verified = await client.post('/v1/auth/totp/verify', { code: codeOf(secret, -1) }, { token });
			assert.equal(verified.status, 200, verified.text);
			const recovery = verified.json.recovery_codes;
			assert.equal(new Set(recovery).size, 10);
			assert.equal((await client.post('/v1/auth/totp', undefined, { token })).status, 409);

			const challenge = await client.post('/v1/auth/login', OWNER);
			assert.equal(challenge.status, 200);
			assert.equal(challenge.headers['cache-control'], 'no-store');
			assert.deepEqual(Object.keys(challenge.json), ['challenge', 'session']);
			assert.equal(challenge.json.challenge, 'totp');
			const { session } = challenge.json;
			assert.equal((await client.get('/v1/auth/me', { token: session })).status, 401);
			const answer = (code) => client.post('/v1/auth/login/totp', { session, code });
			assert.equal((await answer(codeOf(secret, 50))).status, 401);
			const tokens = await answer(codeOf(secret));
			assert.equal(tokens.status, 200, tokens.text);
			assert.equal((await client.get('/v1/auth/me', { token: tokens.json.access_token })).status, 200);
			assert.equal((await answer(codeOf(secret, 1))).status, 401, 'a spent challenge');

			const again = (await client.post('/v1/auth/login', OWNER)).json.session;
			const recovered = await client.post('/v1/auth/login/totp', { session: again, code: recovery[0] });
			assert.equal(recovered.status, 200, recovered.text);

			const remove = (code) => client.delete('/v1/auth/totp', { token, json: { code } });
			assert.equal((await client.delete('/v1/auth/totp', { token })).status, 400);
			assert.equal((await remove(codeOf(secret))).status, 422, 'a code that was used');
			assert.equal((await remove(recovery[1])).status, 204);
			assert.equal((await remove(recovery[2])).status, 404);
			assert.ok((await signIn(client)).access_token);
		});
	});
}
