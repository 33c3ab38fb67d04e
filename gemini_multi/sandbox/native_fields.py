"""The fields of a `generateContent` request, from the upstream's own description.

A field's kind is `string`, `bool`, `int`, `number`, `bytes`, `struct` (any object), `value` (anything), an
enumeration `A|B`, the name of another message, `[kind]` for a list or `{kind}` for a map.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Fields = Mapping[str, str]


def _fields(text: str) -> Fields:
    return dict(pair.split(":", 1) for pair in text.split())


_SCHEMA: Final = """
type:TYPE|STRING|NUMBER|INTEGER|BOOLEAN|ARRAY|OBJECT|NULL format:string title:string description:string
nullable:bool enum:[string] items:Schema minItems:int maxItems:int properties:{Schema} required:[string]
propertyOrdering:[string] minProperties:int maxProperties:int minimum:number maximum:number minLength:int
maxLength:int pattern:string example:value anyOf:[Schema] default:value
"""

MESSAGES: Final[Mapping[str, Fields]] = {
    "Request": _fields(
        "contents:[Content] systemInstruction:Content tools:[Tool] toolConfig:ToolConfig "
        "safetySettings:[SafetySetting] generationConfig:GenerationConfig cachedContent:string "
        "labels:{string} modelArmorConfig:struct continuationToken:bytes serviceTier:string store:bool "
        "model:string"
    ),
    "CountRequest": _fields("contents:[Content] generateContentRequest:Request"),
    "Content": _fields("role:string parts:[Part]"),
    "Part": _fields(
        "text:string inlineData:Blob fileData:FileData functionCall:FunctionCall "
        "functionResponse:FunctionResponse executableCode:ExecutableCode "
        "codeExecutionResult:CodeExecutionResult toolCall:struct toolResponse:struct thought:bool "
        "thoughtSignature:bytes videoMetadata:VideoMetadata mediaResolution:struct mediaProcessing:string "
        "partMetadata:struct"
    ),
    "Blob": _fields("mimeType:string data:bytes displayName:string"),
    "FileData": _fields("mimeType:string fileUri:string displayName:string"),
    "FunctionCall": _fields("id:string name:string args:struct partialArgs:[struct] willContinue:bool"),
    "FunctionResponse": _fields(
        "id:string name:string response:struct parts:[ResponsePart] willContinue:bool scheduling:string"
    ),
    "ResponsePart": _fields("inlineData:Blob fileData:FileData"),
    "ExecutableCode": _fields("language:string code:string id:string"),
    "CodeExecutionResult": _fields("outcome:string output:string id:string"),
    "VideoMetadata": _fields("startOffset:string endOffset:string fps:number"),
    "Tool": _fields(
        "functionDeclarations:[FunctionDeclaration] googleSearch:struct googleSearchRetrieval:struct "
        "codeExecution:struct urlContext:struct googleMaps:struct computerUse:struct retrieval:struct "
        "enterpriseWebSearch:struct fileSearch:struct mcpServers:[struct]"
    ),
    "FunctionDeclaration": _fields(
        "name:string description:string parameters:Schema parametersJsonSchema:value response:Schema "
        "responseJsonSchema:value behavior:string"
    ),
    "Schema": _fields(_SCHEMA),
    "VertexSchema": _fields(
        _SCHEMA.replace("Schema", "VertexSchema") + " ref:string defs:{VertexSchema} additionalProperties:value"
    ),
    "ToolConfig": _fields(
        "functionCallingConfig:FunctionCallingConfig retrievalConfig:struct includeServerSideToolInvocations:bool"
    ),
    "FunctionCallingConfig": _fields(
        "mode:MODE_UNSPECIFIED|AUTO|ANY|NONE|VALIDATED allowedFunctionNames:[string] streamFunctionCallArguments:bool"
    ),
    "SafetySetting": _fields(
        "category:HARM_CATEGORY_HARASSMENT|HARM_CATEGORY_HATE_SPEECH|HARM_CATEGORY_SEXUALLY_EXPLICIT|"
        "HARM_CATEGORY_DANGEROUS_CONTENT|HARM_CATEGORY_CIVIC_INTEGRITY|HARM_CATEGORY_JAILBREAK|"
        "HARM_CATEGORY_IMAGE_HATE|HARM_CATEGORY_IMAGE_DANGEROUS_CONTENT|HARM_CATEGORY_IMAGE_HARASSMENT|"
        "HARM_CATEGORY_IMAGE_SEXUALLY_EXPLICIT "
        "threshold:BLOCK_LOW_AND_ABOVE|BLOCK_MEDIUM_AND_ABOVE|BLOCK_ONLY_HIGH|BLOCK_NONE|OFF "
        "method:SEVERITY|PROBABILITY"
    ),
    "GenerationConfig": _fields(
        "stopSequences:[string] candidateCount:int maxOutputTokens:int temperature:number topP:number "
        "topK:number seed:int presencePenalty:number frequencyPenalty:number responseLogprobs:bool "
        "logprobs:int responseMimeType:string responseSchema:Schema responseJsonSchema:value "
        "responseFormat:struct responseModalities:[TEXT|IMAGE|AUDIO|VIDEO] speechConfig:struct "
        "thinkingConfig:ThinkingConfig mediaResolution:string imageConfig:struct audioTimestamp:bool "
        "enableEnhancedCivicAnswers:bool routingConfig:struct modelSelectionConfig:struct"
    ),
    "ThinkingConfig": _fields(
        "includeThoughts:bool thinkingBudget:int thinkingLevel:THINKING_LEVEL_UNSPECIFIED|MINIMAL|LOW|MEDIUM|HIGH"
    ),
}

STUDIO_ONLY: Final[Mapping[str, frozenset[str]]] = {
    "Request": frozenset({"serviceTier", "store", "model"}),
    "Part": frozenset({"toolCall", "toolResponse", "partMetadata"}),
    "Tool": frozenset({"fileSearch", "mcpServers"}),
    "ToolConfig": frozenset({"includeServerSideToolInvocations"}),
    "GenerationConfig": frozenset({"enableEnhancedCivicAnswers"}),
}
VERTEX_ONLY: Final[Mapping[str, frozenset[str]]] = {
    "Request": frozenset({"modelArmorConfig"}),
    "FunctionCall": frozenset({"partialArgs", "willContinue"}),
    "Tool": frozenset({"retrieval", "enterpriseWebSearch"}),
    "FunctionCallingConfig": frozenset({"streamFunctionCallArguments"}),
    "SafetySetting": frozenset({"method"}),
    "GenerationConfig": frozenset({"audioTimestamp", "routingConfig", "modelSelectionConfig"}),
}
DATA_MEMBERS: Final = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)
