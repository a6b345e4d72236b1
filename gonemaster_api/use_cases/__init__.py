"""Operations of the API that take more than one step."""
