#include "runtime/ingot_file.h"

#include <algorithm>

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

absl::Status ReadCode(const Container& container, const SectionNumbers& numbers, Program& program) {
  // A section is for one module: sharing would let a small file fill memory.
  std::vector<uint32_t> sorted = numbers.modules;
  sorted.insert(sorted.end(), numbers.constants.begin(), numbers.constants.end());
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    return InvalidArgument("two modules or constants share a section");
  }
  for (size_t i = 0; i < numbers.modules.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(const Section* section,
                           Find(container, numbers.modules[i], SectionKind::kCode));
    absl::StatusOr<std::vector<uint8_t>> bytes = ReadSection(*section);
    if (!bytes.ok()) return Annotate(bytes.status(), "code '", program.modules[i].name, "'");
    program.modules[i].bytes = SharedBytes::Own(*std::move(bytes));
  }
  return absl::OkStatus();
}

absl::StatusOr<Program> Parse(const SharedBytes& file, const LoadOptions& options) {
  INGOT_ASSIGN_OR_RETURN(const Container container, ReadContainer(file.span()));
  INGOT_RETURN_IF_ERROR(CheckSigner(container, options));
  INGOT_ASSIGN_OR_RETURN(const Section* section, Find(container, 0, SectionKind::kMetadata));
  INGOT_ASSIGN_OR_RETURN(const std::vector<uint8_t> metadata, ReadSection(*section));
  SectionNumbers numbers;
  INGOT_ASSIGN_OR_RETURN(Program program, ReadMetadata(metadata, numbers));
  INGOT_RETURN_IF_ERROR(ReadCode(container, numbers, program));
  const bool verify = options.verify || container.is_signed;
  for (size_t i = 0; i < numbers.constants.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(const Section* constant,
                           Find(container, numbers.constants[i], SectionKind::kConstant));
    absl::StatusOr<SharedBytes> bytes = ReadConstant(*constant, file, verify);
    if (!bytes.ok()) return Annotate(bytes.status(), "constant '", program.constants[i].name, "'");
    program.constants[i].bytes = *std::move(bytes);
  }
  INGOT_RETURN_IF_ERROR(Validate(program));
  return program;
}

absl::Status Write(const Program& program, const SecretKey* key, FileSink sink) {
  INGOT_RETURN_IF_ERROR(Validate(program));
  std::vector<SectionSource> sections(1);
  SectionNumbers numbers;
  std::vector<std::vector<uint8_t>> compressed;
  compressed.reserve(program.modules.size());  // the sections point into it
  for (const CodeModule& module : program.modules) {
    if (module.format == CodeFormat::kFunctions) {
      return InvalidArgument("code '", module.name, "' exists in this process only");
    }
    compressed.push_back(Compress(module.bytes.span()));
    numbers.modules.push_back(static_cast<uint32_t>(sections.size()));
    sections.push_back({SectionKind::kCode, true, compressed.back(), module.bytes.size()});
  }
  for (const Constant& constant : program.constants) {
    numbers.constants.push_back(static_cast<uint32_t>(sections.size()));
    const int64_t size = constant.bytes.size();
    sections.push_back({SectionKind::kConstant, false, constant.bytes.span(), size,
                        size >= kConstantAlignment ? kConstantAlignment : 64});
  }
  const std::vector<uint8_t> metadata = WriteMetadata(program, numbers);
  sections[0] = {SectionKind::kMetadata, false, metadata, static_cast<int64_t>(metadata.size())};
  return WriteContainer(sections, key, sink);
}

}  // namespace

absl::StatusOr<Program> ParseIngot(const SharedBytes& bytes, const LoadOptions& options) {
  return Parse(bytes, options);
}

absl::StatusOr<Program> ParseIngot(absl::Span<const uint8_t> bytes, const LoadOptions& options) {
  return Parse(SharedBytes::Own(std::vector<uint8_t>(bytes.begin(), bytes.end())), options);
}

absl::StatusOr<Program> LoadIngot(const std::string& path, const LoadOptions& options) {
  INGOT_ASSIGN_OR_RETURN(const SharedBytes file, MapFile(path));
  absl::StatusOr<Program> program = Parse(file, options);
  if (!program.ok()) return Annotate(program.status(), path);
  return program;
}

absl::Status SaveIngot(const Program& program, const std::string& path, const SecretKey* key) {
  return WriteFileAtomically(path, [&](FileSink sink) { return Write(program, key, sink); });
}

absl::StatusOr<std::vector<uint8_t>> SerializeIngot(const Program& program, const SecretKey* key) {
  std::vector<uint8_t> file;
  INGOT_RETURN_IF_ERROR(Write(program, key, [&](absl::Span<const uint8_t> bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return absl::OkStatus();
  }));
  return file;
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
