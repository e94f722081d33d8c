// The outside providers that sign-in is tested through, and a browser to go there with.
//
//   startOpenId({ client, redirectUri })   npm's oidc-provider, which signs `account` in at once.  → { issuer,
//                                            account (claims of who sits there; null: they call it off),
//                                            stop(), start(redirectUris) }
//   startScripted()                        an OpenID provider that says what it is told to: `claims` over the
//                                            right ones of the id token, `header`, `key`, `answer` (parameters of
//                                            its answer), `userinfo`, `tokenStatus`, `hangs`
//   startGitHub()                          GitHub's three endpoints: `user`, `emails`, `refuses`
//   Browser                                keeps cookies by host, follows redirects as far as it is told
import crypto from 'node:crypto';
import http from 'node:http';
import * as jose from 'jose';
import { Provider } from 'oidc-provider';
import { cleanUp, httpRequest } from './harness.mjs';

export const CLIENT = { id: 'quiver', secret: 'a secret: of the client/s +' };

const listen = (handler) => new Promise((resolve) => {
	const server = http.createServer(handler);
	server.listen(0, '127.0.0.1', () => {
		cleanUp(() => server.close());
		resolve({ server, url: `http://127.0.0.1:${server.address().port}` });
	});
});

const stop = (server) => new Promise((resolve) => {
	server.closeAllConnections();
	server.close(resolve);
});

const bodyOf = async (request) => {
	const parts = [];
	for await (const part of request)
		parts.push(part);
	return new URLSearchParams(Buffer.concat(parts).toString());
};

function reply(response, status, value, headers = {}) {
	response.writeHead(status, { 'content-type': 'application/json', ...headers });
	response.end(value === undefined ? undefined : JSON.stringify(value));
}

export class Browser {
	constructor() {
		this.jar = new Map();
	}

	cookiesFor(url) {
		return [...this.jar.values()].filter((c) => c.host === url.host && url.pathname.startsWith(c.path))
			.map((c) => `${c.name}=${c.value}`).join('; ');
	}

	keep(url, lines) {
		for (const line of lines ?? []) {
			const [pair, ...attributes] = line.split(';').map((s) => s.trim());
			const [name, ...value] = pair.split('=');
			const of = (wanted) => attributes.find((a) => a.toLowerCase().startsWith(`${wanted}=`))?.split('=')[1];
			const cookie = { host: url.host, name, value: value.join('='), path: of('path') ?? '/', attributes };
			const gone = of('max-age') === '0' || new Date(of('expires') ?? Date.now() + 1e6) < Date.now();
			this.jar[gone ? 'delete' : 'set'](`${url.host} ${cookie.path} ${name}`, cookie);
		}
	}

	async open(address, { method = 'GET', body, headers = {} } = {}) {
		const url = new URL(address);
		const cookie = this.cookiesFor(url);
		const answer = await httpRequest(url.origin, url.pathname + url.search, {
			method, body, headers: { ...headers, ...(cookie === '' ? {} : { Cookie: cookie }) },
		});
		this.keep(url, answer.headers['set-cookie']);
		answer.url = url;
		answer.next = answer.headers.location === undefined ? undefined : new URL(answer.headers.location, url);
		return answer;
	}

	// Follows redirects until one leads to where `until` says, which is not followed.
	async follow(address, until = () => false) {
		let answer = await this.open(address);
		for (let i = 0; i < 20 && answer.next !== undefined && !until(answer.next); i++)
			answer = await this.open(answer.next);
		return answer;
	}
}

export async function startOpenId() {
	const peer = { account: { sub: 'ada', email: 'ada@example.org', email_verified: true, name: 'Ada' } };
	let handle = (request, response) => reply(response, 503);
	const { server, url } = await listen((request, response) => handle(request, response));
	const key = await jose.exportJWK((await jose.generateKeyPair('RS256', { extractable: true })).privateKey);

	async function interact(provider, request, response) {
		const result = peer.account === null ? { error: 'access_denied' } :
			{ login: { accountId: peer.account.sub } };
		await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
	}

	peer.issuer = url;
	peer.start = (redirectUris) => {
		const provider = new Provider(url, {
			clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: redirectUris }],
			jwks: { keys: [{ ...key, alg: 'RS256', kid: 'r1', use: 'sig' }] },
			cookies: { keys: ['of the test'] },
			claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
			features: { devInteractions: { enabled: false } },
			interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
			findAccount: (context, id) => ({ accountId: id, claims: () => ({ ...peer.account, sub: id }) }),
			async loadExistingGrant(context) {
				const grant = new context.oidc.provider.Grant({
					clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId,
				});
				grant.addOIDCScope('openid email profile');
				await grant.save();
				return grant;
			},
		});
		const callback = provider.callback();
		handle = (request, response) => request.url.startsWith('/interaction/') ?
			interact(provider, request, response) : callback(request, response);
	};
	peer.stop = () => stop(server);
	return peer;
}

export async function startScripted() {
	const own = await jose.generateKeyPair('ES256', { extractable: true });
	const peer = {};
	const codes = new Map();

	async function idToken({ nonce }) {
		const now = Math.floor(Date.now() / 1000);
		const claims = {
			iss: peer.issuer, aud: CLIENT.id, sub: peer.sub, nonce, iat: now, exp: now + 60,
			email: 'mallory@example.org', email_verified: true, ...peer.claims,
		};
		for (const name of Object.keys(claims))
			if (claims[name] === undefined)
				delete claims[name];
		return new jose.SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'e1', ...peer.header })
			.sign(peer.key ?? own.privateKey);
	}

	async function token(request, response) {
		const form = await bodyOf(request);
		const asked = codes.get(form.get('code'));
		codes.delete(form.get('code'));
		peer.asked.push({ form, authorization: request.headers.authorization });
		const challenge = crypto.createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
		if (peer.tokenStatus !== undefined)
			return reply(response, peer.tokenStatus, { error: 'server_error' });
		if (asked === undefined || challenge !== asked.code_challenge)
			return reply(response, 400, { error: 'invalid_grant' });
		return reply(response, 200, { access_token: 'a', token_type: 'Bearer', id_token: await idToken(asked) });
	}

	const paths = {
		'/.well-known/openid-configuration': (request, response) => reply(response, 200, {
			issuer: peer.issuer, authorization_endpoint: `${peer.issuer}/authorize`,
			token_endpoint: `${peer.issuer}/token`, jwks_uri: `${peer.issuer}/jwks`,
			userinfo_endpoint: `${peer.issuer}/userinfo`,
			authorization_response_iss_parameter_supported: true, ...peer.discovery,
		}),
		'/jwks': async (request, response) => reply(response, 200,
			{ keys: [{ ...await jose.exportJWK(own.publicKey), kid: 'e1', alg: 'ES256', use: 'sig' }] }),
		'/authorize': (request, response, url) => {
			const asked = Object.fromEntries(url.searchParams);
			const code = crypto.randomUUID();
			codes.set(code, asked);
			const to = new URL(asked.redirect_uri);
			const answer = { code, state: asked.state, iss: peer.issuer, ...peer.answer };
			for (const [name, value] of Object.entries(answer))
				if (value !== undefined)
					to.searchParams.set(name, value);
			reply(response, 302, undefined, { location: to.href });
		},
		'/token': token,
		'/userinfo': (request, response) => reply(response, 200, peer.userinfo ?? { sub: peer.sub }),
	};
	const { server, url } = await listen((request, response) => {
		const at = new URL(request.url, 'http://x');
		if (peer.hangs)
			return void peer.hung++;
		return peer.down ? reply(response, 500, {}) :
			(paths[at.pathname] ?? (() => reply(response, 404, {})))(request, response, at);
	});
	peer.reset = () => {
		for (const name of Object.keys(peer))
			if (!['issuer', 'reset', 'stop'].includes(name))
				delete peer[name];
		Object.assign(peer, { sub: crypto.randomUUID(), asked: [], hung: 0 });
	};
	peer.issuer = url;
	peer.reset();
	peer.stop = () => stop(server);
	return peer;
}

export async function startGitHub() {
	const peer = {
		user: { id: 583231, login: 'octocat', name: 'The Octocat', email: 'not@to.be.believed' },
		emails: [
			{ email: 'second@example.org', primary: false, verified: true },
			{ email: 'octocat@example.org', primary: true, verified: true },
		],
	};
	const codes = new Map();
	const authorized = (request) => request.headers.authorization === 'Bearer gho_token' &&
		/./.test(request.headers['user-agent'] ?? '');
	const { server, url } = await listen(async (request, response) => {
		const at = new URL(request.url, 'http://x');
		if (at.pathname === '/login/oauth/authorize') {
			const code = crypto.randomBytes(10).toString('hex');
			codes.set(code, Object.fromEntries(at.searchParams));
			const to = new URL(at.searchParams.get('redirect_uri'));
			to.searchParams.set('code', code);
			to.searchParams.set('state', at.searchParams.get('state'));
			return reply(response, 302, undefined, { location: to.href });
		}
		if (at.pathname === '/login/oauth/access_token') {
			const form = await bodyOf(request);
			const asked = codes.get(form.get('code'));
			codes.delete(form.get('code'));
			const challenge = crypto.createHash('sha256').update(form.get('code_verifier')).digest('base64url');
			if (form.get('client_id') !== CLIENT.id || form.get('client_secret') !== CLIENT.secret)
				return reply(response, 200, { error: 'incorrect_client_credentials' });
			if (asked === undefined || asked.code_challenge !== challenge)
				return reply(response, 200, { error: 'bad_verification_code' });
			return reply(response, 200, { access_token: 'gho_token', token_type: 'bearer', scope: asked.scope });
		}
		if (!authorized(request))
			return reply(response, 401, { message: 'Requires authentication' });
		if (at.pathname === '/user')
			return reply(response, 200, peer.user);
		return reply(response, at.pathname === '/user/emails' ? 200 : 404, peer.emails);
	});
	peer.endpoints = {
		authorize: `${url}/login/oauth/authorize`, token: `${url}/login/oauth/access_token`,
		user: `${url}/user`, emails: `${url}/user/emails`,
	};
	peer.stop = () => stop(server);
	return peer;
}
