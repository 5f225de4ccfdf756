from roundtrip.prompts.texts import load as load
from roundtrip.prompts.texts import system_prompt as system_prompt
