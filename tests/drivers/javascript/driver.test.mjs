// The official JavaScript driver, unmodified. NODE_EXTRA_CA_CERTS makes Node trust the server's authority.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import neo4j from 'neo4j-driver'

const { BASTIDE_PORT: port, BASTIDE_OPTIONAL_PORT: optionalPort, BASTIDE_PASSWORD: password } = process.env
const auth = neo4j.auth.basic('neo4j', password)
const driver = neo4j.driver(`neo4j+s://localhost:${port}`, auth)
after(() => driver.close())

for (const scheme of ['bolt+s', 'neo4j+s', 'bolt+ssc', 'neo4j+ssc']) {
  test(`connects through ${scheme}`, async () => {
    const one = neo4j.driver(`${scheme}://localhost:${port}`, auth)
    try {
      const { records } = await one.executeQuery('RETURN 1 AS x')
      assert.equal(records[0].get('x').toNumber(), 1)
    } finally {
      await one.close()
    }
  })
}

test('a plain connection is closed before the handshake', async () => {
  const plain = neo4j.driver(`bolt://localhost:${port}`, auth)
  try {
    await assert.rejects(plain.verifyConnectivity(), { code: 'ServiceUnavailable' })
  } finally {
    await plain.close()
  }
})

test('OPTIONAL takes plain connections on the same port', async () => {
  const plain = neo4j.driver(`bolt://localhost:${optionalPort}`, auth)
  try {
    await plain.verifyConnectivity()
  } finally {
    await plain.close()
  }
})

// The driver's own types have a text form; plain maps and lists are compared as JSON.
const shown = value =>
  value !== null && typeof value === 'object' && ![Object, Array].includes(value.constructor) ? String(value) : JSON.stringify(value)

test('values come back as they went', async () => {
  const values = [
    null, true, neo4j.int(-1), neo4j.int('9223372036854775807'), 1.5, 'naïve ☃', [neo4j.int(1), 'x', null],
    { a: { b: [1.5] } }, new neo4j.types.Date(2024, 2, 29),
    new neo4j.types.LocalDateTime(2024, 2, 29, 1, 2, 3, 4), new neo4j.types.Duration(1, 2, 3, 4),
    new neo4j.types.DateTime(2024, 7, 1, 12, 0, 0, 0, 7200, 'Europe/Stockholm'),
    new neo4j.types.Point(neo4j.int(4326), 12.5, 55.5)
  ]
  for (const value of values) {
    const { records } = await driver.executeQuery('RETURN $x AS x', { x: value })
    assert.equal(shown(records[0].get('x')), shown(value))
  }
})

test('transactions commit, roll back and carry bookmarks', async () => {
  const session = driver.session()
  try {
    const transaction = await session.beginTransaction()
    await transaction.run('CREATE (:FromJavaScript)')
    await transaction.rollback()
    await session.executeWrite(tx => tx.run('CREATE (:FromJavaScript)'))
    assert.equal(session.lastBookmarks().length, 1)
    const count = await session.executeRead(tx => tx.run('MATCH (n:FromJavaScript) RETURN count(n) AS n'))
    assert.equal(count.records[0].get('n').toNumber(), 1)
  } finally {
    await session.close()
  }
})

test('streams with back-pressure', async () => {
  const session = driver.session({ fetchSize: 10 })
  try {
    let sum = 0
    for await (const record of session.run('UNWIND range(1, 1000) AS x RETURN x')) sum += record.get('x').toNumber()
    assert.equal(sum, 500500)
  } finally {
    await session.close()
  }
})

test('errors carry Neo4j codes and GQLSTATUS', async () => {
  await assert.rejects(driver.executeQuery('RETRUN 1'), error =>
    error.code === 'Neo.ClientError.Statement.SyntaxError' && error.gqlStatus === '42001')
})

test('a wrong password is an authentication error', async () => {
  const wrong = neo4j.driver(`bolt+s://localhost:${port}`, neo4j.auth.basic('neo4j', 'wrong'))
  try {
    await assert.rejects(wrong.verifyConnectivity(), { code: 'Neo.ClientError.Security.Unauthorized' })
  } finally {
    await wrong.close()
  }
})
