// A browser without a screen for the OAuth server's pages: keeps cookies, follows no
// redirect away from the server, fills in forms.  And a fixed address for a stack whose
// port is known only once it runs: the issuer has to be known before.
import net from 'node:net';

const unescaped = (text) => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>')
	.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');

export class Page {
	constructor(reply, text) {
		this.status = reply.status;
		this.headers = reply.headers;
		this.location = reply.headers.get('location');
		this.text = text;
		this.action = unescaped(/<form method="post" action="([^"]*)"/.exec(text)?.[1] ?? '');
		this.hidden = Object.fromEntries([...text.matchAll(
			/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, n, v]) => [n, unescaped(v)]));
		this.asks = /name="password"/.test(text) ? 'sign-in' :
			/value="allow"/.test(text) ? 'consent' : undefined;
	}

	// The parameters that the client gets back.
	get answer() {
		return Object.fromEntries(new URL(this.location).searchParams);
	}
}

export class Browser {
	constructor(origin) {
		this.origin = origin;
		this.cookies = new Map();
	}

	async request(method, url, { body, headers = {}, form } = {}) {
		const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
		const reply = await fetch(new URL(url, this.origin), { method, redirect: 'manual',
			body: form === undefined ? body : new URLSearchParams(form),
			headers: { ...cookie === '' ? {} : { cookie }, ...headers } });
		for (const line of reply.headers.getSetCookie()) {
			const [pair] = line.split(';');
			this.cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
		}
		return new Page(reply, await reply.text());
	}

	open(url) {
		return this.request('GET', url);
	}

	submit(page, fields, options) {
		return this.request('POST', page.action, { form: { ...page.hidden, ...fields }, ...options });
	}

	// Signs in and allows whatever is asked, up to the redirect to the client.
	async grant(url, { email, password }) {
		let page = await this.open(url);
		if (page.asks === 'sign-in')
			page = await this.submit(page, { email, password });
		if (page.asks === 'consent')
			page = await this.submit(page, { decision: 'allow' });
		if (page.location === null)
			throw new Error(`no way back to the client: ${page.status} ${page.text}`);
		return page;
	}
}

// { url, to(url), close() }: passes connections on to where `to` says.
export async function fixedAddress() {
	let port;
	const sockets = new Set();
	const server = net.createServer((socket) => {
		const on = net.connect({ host: '127.0.0.1', port });
		for (const [a, b] of [[socket, on], [on, socket]]) {
			sockets.add(a);
			a.on('error', () => b.destroy());
			a.on('close', () => { sockets.delete(a); b.destroy(); });
			a.pipe(b);
		}
	});
	await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
	return {
		url: `http://127.0.0.1:${server.address().port}`,
		to: (url) => { port = Number(new URL(url).port); },
		close: () => {
			server.close();
			for (const socket of sockets)
				socket.destroy();
		},
	};
}
