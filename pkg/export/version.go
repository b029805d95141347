package export

// Version is the product's version. The build has no version control at hand,
// so it is written here.
const Version = "0.1.0"
