#include "runtime/ingot_file.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "ir/base/status.h"
#include "runtime/file.h"
#include "runtime/metadata.h"

namespace ingot::runtime {
namespace {

constexpr int64_t kLargeConstant = 1 << 20;

// Section `number`, which must be of `kind`.
absl::StatusOr<const Section*> Find(const Container& container, uint32_t number, SectionKind kind) {
  if (number >= container.sections.size() ||
      container.sections[number].kind != static_cast<uint32_t>(kind)) {
    return InvalidArgument("section ", number, " of ", container.sections.size(),
                           " is not there or not of its kind");
  }
  return &container.sections[number];
}

// `owner` keeps the file's bytes alive.
absl::StatusOr<SharedBytes> ReadConstant(const Section& section, const SharedBytes& file,
                                         bool verify) {
  if (section.compressed) return InvalidArgument("a compressed constant");
  const bool aligned = reinterpret_cast<uintptr_t>(section.bytes.data()) % kParameterAlignment == 0;
  if (verify || !aligned || section.raw_size < kLargeConstant) {
    INGOT_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes, ReadSection(section));
    return SharedBytes::Own(std::move(bytes));
  }
  return SharedBytes(file.owner(), section.bytes);
}

absl::Status CheckSigner(const Container& container, const LoadOptions& options) {
  if (!options.trusted_key.has_value()) return absl::OkStatus();
  if (!container.is_signed) return absl::PermissionDeniedError("the file is not signed");
  if (container.signer != *options.trusted_key) {
    return absl::PermissionDeniedError("the file is signed with another key");
  }
  return absl::OkStatus();
}

// A section is one module's code: sharing would let a small file fill memory.  The constants of a
// program are sections of their own too.
absl::Status CheckNotShared(std::vector<uint32_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  if (std::adjacent_find(numbers.begin(), numbers.end()) != numbers.end()) {
    return InvalidArgument("two modules or constants share a section");
  }
  return absl::OkStatus();
}

absl::StatusOr<SharedBytes> ReadCode(const Container& container, uint32_t number,
                                     absl::string_view name) {
  INGOT_ASSIGN_OR_RETURN(const Section* section, Find(container, number, SectionKind::kCode));
  absl::StatusOr<std::vector<uint8_t>> bytes = ReadSection(*section);
  if (!bytes.ok()) return Annotate(bytes.status(), "code '", name, "'");
  return SharedBytes::Own(*std::move(bytes));
}

// Reads a file's sections into programs.
class FileReader {
 public:
  FileReader(const SharedBytes& file, const Container& container, bool verify)
      : file_(file), container_(container), verify_(verify) {}

  absl::StatusOr<std::vector<Program>> Run() {
    INGOT_RETURN_IF_ERROR(Find(container_, 0, SectionKind::kMetadata).status());
    std::vector<Program> programs;
    for (const Section& section : container_.sections) {
      if (section.kind != static_cast<uint32_t>(SectionKind::kMetadata)) continue;
      if (programs.size() == kMaxPrograms) {
        return InvalidArgument("more than ", kMaxPrograms, " programs");
      }
      INGOT_ASSIGN_OR_RETURN(Program program, ReadProgram(section));
      programs.push_back(std::move(program));
    }
    INGOT_RETURN_IF_ERROR(CheckNotShared(std::move(code_sections_)));
    INGOT_RETURN_IF_ERROR(CheckSameSignature(programs));
    return programs;
  }

  // Of the files that are written too.
  template <typename List>
  static absl::Status CheckSameSignature(const List& programs) {
    const Program& first = At(programs, 0);
    for (size_t i = 1; i < programs.size(); ++i) {
      const Program& other = At(programs, i);
      const bool same = SameList(first.inputs, other.inputs) &&
                        SameList(first.outputs, other.outputs) && SameAliases(first, other);
      if (!same) return InvalidArgument("programs 0 and ", i, " differ in inputs or outputs");
    }
    return absl::OkStatus();
  }

 private:
  static const Program& At(const std::vector<Program>& programs, size_t i) { return programs[i]; }
  static const Program& At(absl::Span<const Program* const> programs, size_t i) {
    return *programs[i];
  }
  // Of inputs or outputs: names, types, dimensions, layouts.
  template <typename List>
  static bool SameList(const List& a, const List& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
      return x.name == y.name && x.shape == y.shape;
    });
  }
  static bool SameAliases(const Program& a, const Program& b) {
    return std::equal(
        a.outputs.begin(), a.outputs.end(), b.outputs.begin(), b.outputs.end(),
        [](const Output& x, const Output& y) { return x.aliased_input == y.aliased_input; });
  }

  absl::StatusOr<Program> ReadProgram(const Section& section) {
    INGOT_ASSIGN_OR_RETURN(const std::vector<uint8_t> metadata, ReadSection(section));
    SectionNumbers numbers;
    INGOT_ASSIGN_OR_RETURN(Program program, ReadMetadata(metadata, numbers));
    INGOT_RETURN_IF_ERROR(CheckNotShared(numbers.constants));
    for (size_t i = 0; i < numbers.modules.size(); ++i) {
      CodeModule& module = program.modules[i];
      INGOT_ASSIGN_OR_RETURN(module.bytes, ReadCode(container_, numbers.modules[i], module.name));
      code_sections_.push_back(numbers.modules[i]);
      if (numbers.ptx[i] == 0) continue;
      INGOT_ASSIGN_OR_RETURN(module.ptx, ReadCode(container_, numbers.ptx[i], module.name));
      code_sections_.push_back(numbers.ptx[i]);
    }
    for (size_t i = 0; i < numbers.constants.size(); ++i) {
      absl::StatusOr<SharedBytes> bytes = Constant(numbers.constants[i]);
      if (!bytes.ok()) {
        return Annotate(bytes.status(), "constant '", program.constants[i].name, "'");
      }
      program.constants[i].bytes = *std::move(bytes);
    }
    INGOT_RETURN_IF_ERROR(Validate(program));
    return program;
  }

  // Each section is read once, for whichever programs.
  absl::StatusOr<SharedBytes> Constant(uint32_t number) {
    const auto known = constants_.find(number);
    if (known != constants_.end()) return known->second;
    INGOT_ASSIGN_OR_RETURN(const Section* section,
                           Find(container_, number, SectionKind::kConstant));
    INGOT_ASSIGN_OR_RETURN(SharedBytes bytes, ReadConstant(*section, file_, verify_));
    constants_[number] = bytes;
    return bytes;
  }

  const SharedBytes& file_;
  const Container& container_;
  const bool verify_;
  std::vector<uint32_t> code_sections_;
  std::map<uint32_t, SharedBytes> constants_;
};

absl::StatusOr<std::vector<Program>> Parse(const SharedBytes& file, const LoadOptions& options) {
  INGOT_ASSIGN_OR_RETURN(const Container container, ReadContainer(file.span()));
  INGOT_RETURN_IF_ERROR(CheckSigner(container, options));
  return FileReader(file, container, options.verify || container.is_signed).Run();
}

// Collects the sections of a file.
class FileWriter {
 public:
  absl::Status Run(absl::Span<const Program* const> programs, const SecretKey* key, FileSink sink) {
    if (programs.empty() || programs.size() > kMaxPrograms) {
      return InvalidArgument("a file of ", programs.size(), " programs, not of 1 to ",
                             kMaxPrograms);
    }
    for (const Program* program : programs) INGOT_RETURN_IF_ERROR(Add(*program));
    INGOT_RETURN_IF_ERROR(FileReader::CheckSameSignature(programs));
    return WriteContainer(sections_, key, sink);
  }

 private:
  absl::Status Add(const Program& program) {
    INGOT_RETURN_IF_ERROR(Validate(program));
    const size_t metadata = sections_.size();
    sections_.emplace_back();
    SectionNumbers numbers;
    for (const CodeModule& module : program.modules) {
      if (module.format == CodeFormat::kFunctions) {
        return InvalidArgument("code '", module.name, "' exists in this process only");
      }
      numbers.modules.push_back(AddCode(module.bytes));
      numbers.ptx.push_back(module.ptx.size() == 0 ? 0 : AddCode(module.ptx));
    }
    std::set<uint32_t> taken;  // by a constant of this program, whose sections are its own
    for (const Constant& constant : program.constants) {
      numbers.constants.push_back(AddConstant(constant.bytes, metadata, taken));
    }
    own_.push_back(WriteMetadata(program, numbers));
    const auto size = static_cast<int64_t>(own_.back().size());
    sections_[metadata] = {SectionKind::kMetadata, false, own_.back(), size};
    return absl::OkStatus();
  }

  uint32_t AddCode(const SharedBytes& bytes) {
    own_.push_back(Compress(bytes.span()));
    sections_.push_back({SectionKind::kCode, true, own_.back(), bytes.size()});
    return static_cast<uint32_t>(sections_.size() - 1);
  }

  // The section of the same bytes of an earlier program, whose sections come before `first`, that
  // is not yet taken; or a new one.
  uint32_t AddConstant(const SharedBytes& bytes, size_t first, std::set<uint32_t>& taken) {
    const int64_t size = bytes.size();
    std::vector<uint32_t>& same_size = constants_[size];
    for (uint32_t number : same_size) {
      if (number >= first) break;
      const absl::Span<const uint8_t> other = sections_[number].bytes;
      const bool same = other.data() == bytes.data() ||
                        std::equal(other.begin(), other.end(), bytes.span().begin());
      if (same && taken.insert(number).second) return number;
    }
    sections_.push_back({SectionKind::kConstant, false, bytes.span(), size,
                         size >= kConstantAlignment ? kConstantAlignment : 64});
    same_size.push_back(static_cast<uint32_t>(sections_.size() - 1));
    return same_size.back();
  }

  std::vector<SectionSource> sections_;
  std::deque<std::vector<uint8_t>> own_;  // what sections point into
  std::map<int64_t, std::vector<uint32_t>> constants_;
};

absl::StatusOr<Program> TheOnly(absl::StatusOr<std::vector<Program>> programs) {
  if (!programs.ok()) return programs.status();
  if (programs->size() != 1) return InvalidArgument("a file of ", programs->size(), " programs");
  return std::move(programs->front());
}

}  // namespace

absl::StatusOr<std::vector<Program>> ParsePrograms(const SharedBytes& bytes,
                                                   const LoadOptions& options) {
  return Parse(bytes, options);
}

absl::StatusOr<std::vector<Program>> ParsePrograms(absl::Span<const uint8_t> bytes,
                                                   const LoadOptions& options) {
  return Parse(SharedBytes::Own(std::vector<uint8_t>(bytes.begin(), bytes.end())), options);
}

absl::StatusOr<std::vector<Program>> LoadPrograms(const std::string& path,
                                                  const LoadOptions& options) {
  INGOT_ASSIGN_OR_RETURN(const SharedBytes file, MapFile(path));
  absl::StatusOr<std::vector<Program>> programs = Parse(file, options);
  if (!programs.ok()) return Annotate(programs.status(), path);
  return programs;
}

absl::Status SavePrograms(absl::Span<const Program* const> programs, const std::string& path,
                          const SecretKey* key) {
  return WriteFileAtomically(path,
                             [&](FileSink sink) { return FileWriter().Run(programs, key, sink); });
}

absl::StatusOr<std::vector<uint8_t>> SerializePrograms(absl::Span<const Program* const> programs,
                                                       const SecretKey* key) {
  std::vector<uint8_t> file;
  INGOT_RETURN_IF_ERROR(FileWriter().Run(programs, key, [&](absl::Span<const uint8_t> bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return absl::OkStatus();
  }));
  return file;
}

absl::StatusOr<Program> LoadIngot(const std::string& path, const LoadOptions& options) {
  return TheOnly(LoadPrograms(path, options));
}

absl::StatusOr<Program> ParseIngot(absl::Span<const uint8_t> bytes, const LoadOptions& options) {
  return TheOnly(ParsePrograms(bytes, options));
}

absl::Status SaveIngot(const Program& program, const std::string& path, const SecretKey* key) {
  return SavePrograms({&program}, path, key);
}

absl::StatusOr<std::vector<uint8_t>> SerializeIngot(const Program& program, const SecretKey* key) {
  return SerializePrograms({&program}, key);
}

absl::Status SignIngot(const std::string& path, const SecretKey& key) {
  INGOT_ASSIGN_OR_RETURN(const SharedBytes file, MapFile(path));
  INGOT_RETURN_IF_ERROR(Annotate(Parse(file, {.verify = true}).status(), path));
  INGOT_ASSIGN_OR_RETURN(const Container container, ReadContainer(file.span()));
  std::vector<SectionSource> sections;
  for (const Section& section : container.sections) {
    const auto kind = static_cast<SectionKind>(section.kind);
    if (kind == SectionKind::kSignature) continue;
    const bool page = kind == SectionKind::kConstant && section.raw_size >= kConstantAlignment;
    sections.push_back({kind, section.compressed, section.bytes, section.raw_size,
                        page ? kConstantAlignment : 64});
  }
  return WriteFileAtomically(path,
                             [&](FileSink sink) { return WriteContainer(sections, &key, sink); });
}

absl::Status VerifySignature(const std::string& path, const PublicKey& key) {
  return LoadIngot(path, {.verify = true, .trusted_key = key}).status();
}

}  // namespace ingot::runtime
