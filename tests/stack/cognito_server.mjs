// Two servers that speak Cognito's protocol, for tests on loopback:
//   startCognito()      the emulator cognito-local with a pool, a client and its groups → Cognito
//     cognito.call(operation, input)   an operation as an administrator would call it
//     cognito.user(email, { password, temporary, groups })   makes one
//     cognito.env       the settings for the handlers;  cognito.stop()
//   startRecorded(pool, replies)   answers each operation with what Cognito was seen to say, for what the
//                                  emulator lacks; replies: { Operation: [status, body] or a function }
//     recorded.calls    [{ operation, input }] that came
import { spawn } from 'node:child_process'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { TOP, cleanUp, temporaryFolder, until } from './harness.mjs'

export const CODE = '123456'            // of every mail that the emulator does not send

const freePort = () => new Promise(resolve => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})

export async function startCognito () {
  const port = await freePort(), endpoint = `http://127.0.0.1:${port}`
  const child = spawn(process.execPath, [path.join(TOP, 'tests/node_modules/cognito-local/lib/bin/start.js')], {
    cwd: temporaryFolder(), stdio: 'ignore',
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: String(port), CODE, HOME: '/nonexistent' }
  })
  const exited = new Promise(resolve => child.once('exit', resolve))
  cleanUp(() => child.kill('SIGKILL'))
  await until('cognito-local answers', async () => (await fetch(`${endpoint}/health`).catch(() => null))?.ok, 60000)

  async function call (operation, input) {
    const reply = await fetch(endpoint, {
      method: 'POST', body: JSON.stringify(input),
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `AWSCognitoIdentityProviderService.${operation}` }
    })
    const json = await reply.json()
    if (!reply.ok) throw new Error(`${operation}: ${JSON.stringify(json)}`)
    return json
  }
  const { UserPool: { Id: UserPoolId } } = await call('CreateUserPool', { PoolName: 'tests', UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] })
  const { UserPoolClient: { ClientId, ClientSecret } } = await call('CreateUserPoolClient', { UserPoolId, ClientName: 'quiver', GenerateSecret: true })
  for (const GroupName of ['owners', 'admins', 'analysts', 'users']) await call('CreateGroup', { UserPoolId, GroupName })
  return {
    endpoint, UserPoolId, ClientId, call,
    env: {
      IDENTITY: 'cognito', COGNITO_ENDPOINT: endpoint, COGNITO_USER_POOL_ID: UserPoolId,
      COGNITO_CLIENT_ID: ClientId, ...(ClientSecret ? { COGNITO_CLIENT_SECRET: ClientSecret } : {})
    },
    async user (email, { password, temporary, groups = [] }) {
      await call('AdminCreateUser', {
        UserPoolId, Username: email, TemporaryPassword: temporary ?? password, DesiredDeliveryMediums: ['EMAIL'],
        UserAttributes: [{ Name: 'email', Value: email }, { Name: 'email_verified', Value: 'true' }]
      })
      if (password) await call('AdminSetUserPassword', { UserPoolId, Username: email, Password: password, Permanent: true })
      for (const GroupName of groups) await call('AdminAddUserToGroup', { UserPoolId, Username: email, GroupName })
      return { email, password: password ?? temporary }
    },
    async stop () {
      child.kill('SIGKILL')
      await exited
    }
  }
}

export async function startRecorded (pool, replies) {
  const calls = []
  const server = http.createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    if (request.method === 'GET') {
      const keys = typeof replies.jwks === 'function' ? replies.jwks() : replies.jwks ?? { keys: [] }
      return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(keys))
    }
    const operation = (request.headers['x-amz-target'] ?? '').split('.').pop()
    const input = JSON.parse(Buffer.concat(chunks))
    calls.push({ operation, input })
    const found = replies[operation]
    const [status, body] = (typeof found === 'function' ? found(input) : found) ?? [400, { __type: 'InvalidAction', message: operation }]
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  cleanUp(() => server.close())
  const endpoint = `http://127.0.0.1:${server.address().port}`
  return {
    calls, endpoint, issuer: `${endpoint}/${pool}`,
    env: {
      IDENTITY: 'cognito', COGNITO_ENDPOINT: endpoint, COGNITO_USER_POOL_ID: pool, COGNITO_CLIENT_ID: 'client', COGNITO_CLIENT_SECRET: 'test only secret'
    },
    last: operation => calls.filter(c => c.operation === operation).pop()?.input,
    stop: () => new Promise(resolve => { server.close(resolve); server.closeAllConnections() })
  }
}
