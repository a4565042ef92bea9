// Ed25519 keys and their files; declared in ingot_file.h.
#include <fcntl.h>
#include <sodium/crypto_sign_ed25519.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "runtime/file.h"
#include "runtime/ingot_file.h"

namespace ingot::runtime {
namespace {

constexpr absl::string_view kSecret = "ingot-secret-key ";
constexpr absl::string_view kPublic = "ingot-public-key ";

absl::Status WriteKey(const std::string& path, int mode, absl::string_view title,
                      absl::Span<const uint8_t> key) {
  const std::string text = absl::StrCat(
      title, absl::BytesToHexString({reinterpret_cast<const char*>(key.data()), key.size()}), "\n");
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) return InvalidArgument(path, ": cannot write: ", std::strerror(errno));
  const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (close(file) == 0 && written) return absl::OkStatus();
  unlink(path.c_str());
  return absl::UnavailableError(absl::StrCat(path, ": cannot write"));
}

template <typename Key>
absl::StatusOr<Key> ReadKey(const std::string& path, absl::string_view title) {
  INGOT_ASSIGN_OR_RETURN(const SharedBytes bytes, MapFile(path));
  absl::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  text = absl::StripTrailingAsciiWhitespace(text);
  Key key;
  if (!absl::StartsWith(text, title) || text.size() != title.size() + 2 * key.size() ||
      !std::all_of(text.begin() + title.size(), text.end(), absl::ascii_isxdigit)) {
    return InvalidArgument(path, ": not '", title, "' and ", 2 * key.size(), " hexadecimal digits");
  }
  const std::string raw = absl::HexStringToBytes(text.substr(title.size()));
  std::copy(raw.begin(), raw.end(), key.begin());
  return key;
}

}  // namespace

absl::StatusOr<KeyPair> MakeKeyPair() {
  uint8_t seed[crypto_sign_ed25519_SEEDBYTES];
  if (getentropy(seed, sizeof(seed)) != 0) {
    return absl::UnavailableError(
        absl::StrCat("the system gives no random numbers: ", std::strerror(errno)));
  }
  KeyPair keys;
  crypto_sign_ed25519_seed_keypair(keys.public_key.data(), keys.secret_key.data(), seed);
  return keys;
}

absl::Status WriteKeyPair(const KeyPair& keys, const std::string& path) {
  INGOT_RETURN_IF_ERROR(WriteKey(path, 0600, kSecret, keys.secret_key));
  return WriteKey(path + ".pub", 0644, kPublic, keys.public_key);
}

absl::StatusOr<SecretKey> ReadSecretKey(const std::string& path) {
  return ReadKey<SecretKey>(path, kSecret);
}

absl::StatusOr<PublicKey> ReadPublicKey(const std::string& path) {
  return ReadKey<PublicKey>(path, kPublic);
}

}  // namespace ingot::runtime
