// .ingot files: a Program on disk.  The container is container.h, the metadata program.fbs.
#ifndef INGOT_RUNTIME_INGOT_FILE_H_
#define INGOT_RUNTIME_INGOT_FILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/container.h"
#include "runtime/program.h"

namespace ingot::runtime {

struct LoadOptions {
  // Hash every constant.  Without it those of a megabyte and more are only mapped; smaller ones,
  // code and metadata are hashed always, and everything is when the file is signed.
  bool verify = false;
  // Refuse a file that this key has not signed.
  std::optional<PublicKey> trusted_key = std::nullopt;
};

// Reads a file.  Large constants that need no hashing stay mapped: the file must not change while
// the program lives.  Errors begin with the path.  The program has been Validated.
absl::StatusOr<Program> LoadIngot(const std::string& path, const LoadOptions& options = {});

// As LoadIngot, from memory.  The program keeps `bytes` and uses its constants in place; in the
// form that takes a span it copies them.
absl::StatusOr<Program> ParseIngot(const SharedBytes& bytes, const LoadOptions& options = {});
absl::StatusOr<Program> ParseIngot(absl::Span<const uint8_t> bytes,
                                   const LoadOptions& options = {});

// Writes a program, signed when `key` is given.  The file appears whole or not at all: it is
// written beside `path` under another name, and renamed.  InvalidArgument when the program has a
// module of kFunctions or is not Validate.
absl::Status SaveIngot(const Program& program, const std::string& path,
                       const SecretKey* key = nullptr);
absl::StatusOr<std::vector<uint8_t>> SerializeIngot(const Program& program,
                                                    const SecretKey* key = nullptr);

// Replaces the file by the same, checked throughout, signed with `key`.
absl::Status SignIngot(const std::string& path, const SecretKey& key);
// OK when every byte of the file is as `key`'s owner signed it.
absl::Status VerifySignature(const std::string& path, const PublicKey& key);

// Keys are Ed25519.  The secret key's file is readable by its owner only and holds
// "ingot-secret-key " and 128 hexadecimal digits; the public one's "ingot-public-key " and 64.
struct KeyPair {
  PublicKey public_key{};
  SecretKey secret_key{};
};
absl::StatusOr<KeyPair> MakeKeyPair();
// Writes PATH and PATH.pub; neither may exist.
absl::Status WriteKeyPair(const KeyPair& keys, const std::string& path);
absl::StatusOr<SecretKey> ReadSecretKey(const std::string& path);
absl::StatusOr<PublicKey> ReadPublicKey(const std::string& path);

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_INGOT_FILE_H_
