// What the code of Auth0's documents makes of two users' metadata, with each lodash that it was run with. Its argument:
// pairs of values, the secondary's and the primary's, as JSON. Prints a line of JSON for each: one outcome per lodash.
const outcome = (_, secondaryUser, primaryUser) => {
  // As "Link User Accounts Server-Side Code Scenario" has it.
  const customizerCallback = (objectValue, sourceValue) => {
    if (_.isArray(objectValue)) {
      return sourceValue.concat(objectValue);
    }
  };
  try {
    return _.merge({}, secondaryUser.user_metadata, primaryUser.user_metadata, customizerCallback);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return "throws";
  }
};

for (const [secondary, primary] of JSON.parse(process.argv[2])) {
  const outcomes = ["lodash-3", "lodash-4"].map((name) => {
    // A copy for each: lodash may give out what it was given.
    const user = (value) => ({ user_metadata: JSON.parse(JSON.stringify({ value })) });
    const merged = outcome(require(name), user(secondary), user(primary));
    return merged === "throws" ? merged : { value: JSON.parse(JSON.stringify(merged)).value };
  });
  console.log(JSON.stringify(outcomes));
}
