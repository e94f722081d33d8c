// A key and a certificate for `host` that nobody trusts but who is told to: files that
// everybody may read.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from './harness.mjs';

export function certificate(host) {
	const folder = temporaryFolder();
	const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder, name));
	execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
		'-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${host}`,
		'-addext', `subjectAltName=DNS:${host}`], { stdio: 'ignore' });
	for (const file of [key, cert])
		fs.chmodSync(file, 0o644);
	return { key, cert };
}
