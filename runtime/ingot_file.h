// .ingot files: Programs on disk, of one model for one or several architectures.  The container is
// container.h, the metadata program.fbs.
//
// Each program has a section of metadata, the first one section 0.  A section of code is one
// module's; constants of the same bytes are one section, whichever program's they are.
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

// At most so many programs are in a file.
inline constexpr size_t kMaxPrograms = 64;

// Reads the programs of a file, at least one, in the order in which they were written; choice.h
// chooses.  Large constants that need no hashing stay mapped: the file must not change while a
// program lives.  Errors begin with the path.  The programs have been Validated, and have the same
// inputs and outputs.
absl::StatusOr<std::vector<Program>> LoadPrograms(const std::string& path,
                                                  const LoadOptions& options = {});

// As LoadPrograms, from memory.  The programs keep `bytes` and use constants in place; in the form
// that takes a span they copy them.
absl::StatusOr<std::vector<Program>> ParsePrograms(const SharedBytes& bytes,
                                                   const LoadOptions& options = {});
absl::StatusOr<std::vector<Program>> ParsePrograms(absl::Span<const uint8_t> bytes,
                                                   const LoadOptions& options = {});

// Writes programs, signed when `key` is given.  The file appears whole or not at all: it is written
// beside `path` under another name, and renamed.  InvalidArgument when there is none or too many,
// one has a module of kFunctions or is not Validate, or their inputs or outputs differ.
absl::Status SavePrograms(absl::Span<const Program* const> programs, const std::string& path,
                          const SecretKey* key = nullptr);
absl::StatusOr<std::vector<uint8_t>> SerializePrograms(absl::Span<const Program* const> programs,
                                                       const SecretKey* key = nullptr);

// The same for files of one program; InvalidArgument for a file of several.
absl::StatusOr<Program> LoadIngot(const std::string& path, const LoadOptions& options = {});
absl::StatusOr<Program> ParseIngot(absl::Span<const uint8_t> bytes,
                                   const LoadOptions& options = {});
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
